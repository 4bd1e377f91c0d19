"""Work in a process of its own, as the platform's is: `python -m benchmarks.<module>`, settings in, JSON out."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvloop


async def run(module: str, **settings: Any) -> Any:
    """What the child answers. Raises RuntimeError with its error output when it fails."""
    async with started(module, **settings) as answer:
        return await answer


@asynccontextmanager
async def started(module: str, **settings: Any) -> AsyncGenerator[asyncio.Task[Any]]:
    """The child's answer, to be awaited while the block does other things; the child ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"benchmarks.{module}",
        json.dumps(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )

    async def answer() -> Any:
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"benchmarks.{module} failed:\n{errors.decode()}")
        return json.loads(output)

    answering = asyncio.create_task(answer())
    try:
        yield answering
    finally:
        if process.returncode is None:
            process.kill()
        await asyncio.wait([answering])
        if not answering.cancelled():
            answering.exception()  # one that was ended by the block has none to tell


def main(work: Callable[..., Awaitable[Any]]) -> None:
    """The child's side: calls `work` with the settings and prints what it returns."""

    async def answer() -> None:
        print(json.dumps(await work(**json.loads(sys.argv[1]))))

    uvloop.run(answer())
