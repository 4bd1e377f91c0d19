"""What goosebit knows before it is measured: its tables, devices with a token each, and a rollout that is paused.

Runs in an environment of its own (`benchmarks/goosebit-requirements.txt`): `python goosebit_reference.py TOKENS IMAGE`,
with goosebit's own settings in the environment. TOKENS is a JSON file of uids and tokens.
"""

import asyncio
import hashlib
import json
import sys
from pathlib import Path

import goosebit
from aerich import Command
from goosebit.db.config import TORTOISE_CONF
from goosebit.db.models import Device, Hardware, Rollout, Software
from tortoise import Tortoise

MIGRATIONS = Path(goosebit.__file__).parent / "db" / "migrations"


async def main(tokens: dict[str, str], image: str, content: bytes) -> None:
    """`content` is what lies in the file that `image` is the address of."""
    async with Command(TORTOISE_CONF, app="models", location=str(MIGRATIONS)) as command:
        await command.upgrade(run_in_transaction=True)
    await Tortoise.init(config=TORTOISE_CONF)
    hardware = await Hardware.create(model="default", revision="default")
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    software = await Software.create(uri=image, size=len(content), hash=digest, version="2.0.0")
    await software.compatibility.add(hardware)
    await Rollout.create(name="bench", software=software, paused=True)
    await Device.bulk_create([Device(id=uid, hardware=hardware, auth_token=token) for uid, token in tokens.items()])
    await Tortoise.close_connections()


if __name__ == "__main__":
    known, artifact = map(Path, sys.argv[1:])
    asyncio.run(main(json.loads(known.read_text()), artifact.as_uri(), artifact.read_bytes()))
