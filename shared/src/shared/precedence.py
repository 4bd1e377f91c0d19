"""Work of a process that other work of the same process lets go first, for a moment each time.

A process has one processor: what it does side by side makes all of it late. Who gives way is late by a bounded time
and goes on then, however much there is to do, so nothing waits for ever and a backlog still shrinks.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager, suppress

PATIENCE_S = 1.0
"""Long enough for most of what goes first, and with batches of a thousand almost a thousand a second still go on."""


class Precedence:
    def __init__(self) -> None:
        self._under_way = 0
        self._over = asyncio.Event()
        self._over.set()

    @contextmanager
    def taken(self) -> Generator[None]:
        """The block goes first."""
        self._under_way += 1
        self._over.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._over.set()

    async def give_way(self, seconds: float = PATIENCE_S) -> None:
        """Returns once nothing goes first any more, or after so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    await self._over.wait()
