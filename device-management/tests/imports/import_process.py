"""A worker that does nothing but carry imports on, in a process of its own that a test can kill."""

import asyncio

from device_management.bootstrap import open_core
from device_management.imports.jobs import ImportSteps
from device_management.settings import Settings


async def main() -> None:
    async with open_core(Settings()) as core:
        steps = ImportSteps(core.scopes)
        while True:
            await steps()
            await asyncio.sleep(0.05)


asyncio.run(main())
