"""A process that writes a blob and meets its end in the middle: of the disk, or its own.

    python blob_process.py DIRECTORY MEBIBYTES [killed]

With `killed` it ends by SIGKILL once all is written and before the blob is finished.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from ota_service.firmware.gateway import Blobs


async def _bytes(mebibytes: int, end: str) -> AsyncIterator[bytes]:
    for _ in range(mebibytes):
        yield bytes(1024 * 1024)
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


async def _main(directory: str, mebibytes: str, end: str = "") -> None:
    try:
        await Blobs(Path(directory).as_uri()).put("1/blob", _bytes(int(mebibytes), end))
    except Exception as error:  # noqa: BLE001 - what it is, the test looks at
        sys.stdout.write(type(error).__name__)


asyncio.run(_main(*sys.argv[1:]))
