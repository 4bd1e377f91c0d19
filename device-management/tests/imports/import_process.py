"""Workers that do nothing but carry imports on, in processes of their own that a test can kill.

A line of input begins one, which says its process id: what they import is loaded once, for it takes seconds.
"""

import asyncio
import os
import signal
import sys

from device_management.bootstrap import open_core
from device_management.imports.jobs import ImportSteps
from device_management.settings import Settings
from shared.worker import every


async def work() -> None:
    async with open_core(Settings()) as core:
        await every(0.05, ImportSteps(core.scopes))()


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for those that are killed.
    for _ in sys.stdin:
        if os.fork() == 0:
            sys.stdout.write(f"{os.getpid()}\n")
            sys.stdout.flush()
            asyncio.run(work())


if __name__ == "__main__":
    main()
