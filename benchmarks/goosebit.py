"""goosebit, which speaks the same protocol, in an environment of its own: one process, on the platform's PostgreSQL."""

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

import asyncpg
import httpx

from benchmarks.environments import python_of
from muster_stack.ports import LOOPBACK, any_free
from shared.testing import eventually

_SCRIPT = Path(__file__).with_name("goosebit_reference.py")
_DATABASE = "goosebit"
_START_S = 60.0
_FINISHED = 5
"""goosebit's number for the state of a device whose update has succeeded."""


@dataclass(frozen=True)
class Goosebit:
    port: int
    tokens: Path
    sql: asyncpg.Connection

    async def roll_out(self) -> None:
        """Its one rollout goes to all of its devices from now on."""
        await self.sql.execute("update rollout set paused = false")

    async def updated(self) -> int:
        return await self.sql.fetchval("select count(*) from device where last_state = $1", _FINISHED)


@asynccontextmanager
async def started(postgres: str, directory: Path, uids: Iterable[str], image: bytes) -> AsyncGenerator[Goosebit]:
    """With these devices, and a rollout of this image that is paused."""
    python = await python_of("goosebit")
    tokens, artifact = directory / "goosebit-tokens.json", directory / "goosebit" / "image.swu"
    artifact.parent.mkdir()
    artifact.write_bytes(image)
    tokens.write_text(json.dumps({uid: token_hex(16) for uid in uids}))
    admin = await asyncpg.connect(f"{postgres}/postgres")
    await admin.execute(f"create database {_DATABASE}")
    port, settings = any_free(), _settings(postgres, directory)
    await _prepare(python, settings, tokens, artifact)
    sql = await asyncpg.connect(f"{postgres}/{_DATABASE}")
    options = ("--host", LOOPBACK, "--port", str(port), "--log-level", "warning", "--no-access-log")
    server = await asyncio.create_subprocess_exec(
        python, "-m", "uvicorn", "goosebit:app", *options, env=settings, cwd=directory
    )
    try:
        await eventually(lambda: _answers(port), timeout=_START_S)
        yield Goosebit(port, tokens, sql)
    finally:
        server.terminate()
        await server.wait()
        await sql.close()
        await admin.execute(f"drop database {_DATABASE} with (force)")
        await admin.close()


async def _prepare(python: Path, settings: dict[str, str], tokens: Path, artifact: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        python,
        "-P",
        _SCRIPT,
        tokens,
        artifact,
        env=settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"goosebit was not prepared:\n{errors.decode()}")


def _settings(postgres: str, directory: Path) -> dict[str, str]:
    """Devices must have their tokens, as ours must; it logs no more than ours does."""
    quiet = {"version": 1, "disable_existing_loggers": False, "root": {"level": "ERROR"}}
    return {
        **os.environ,
        "GOOSEBIT_DB_URI": f"{postgres.replace('postgresql:', 'postgres:')}/{_DATABASE}",
        "GOOSEBIT_DEVICE_AUTH": json.dumps({"enable": True, "mode": "strict"}),
        "GOOSEBIT_ARTIFACTS_DIR": str(directory / "goosebit"),
        "GOOSEBIT_LOGGING": json.dumps(quiet),
    }


async def _answers(port: int) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            return (await http.get(f"http://{LOOPBACK}:{port}/docs")).is_success
    except httpx.HTTPError:
        return False
