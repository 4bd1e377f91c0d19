"""A pool of connections that are handed out in turn: who has waited longest is served first.

SQLAlchemy's own pool wakes one that waits when a connection comes back, and lets whoever asks meanwhile take it: the
one that waited then goes to the end of the line. On a busy machine requests so wait until their limit, and are refused,
while others that came later are served. Seen with 32 callers on 20 connections: 0.2 s in the middle, 2 s at worst.
"""

import asyncio
from collections import deque

from sqlalchemy import AsyncAdaptedQueuePool
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import await_
from sqlalchemy.util.queue import AsyncAdaptedQueue, Empty, Full


class Line(AsyncAdaptedQueue[ConnectionPoolEntry]):
    """The idle connections, or those who wait for one: never both. What comes back goes to the first in the line."""

    def __init__(self, maxsize: int = 0, use_lifo: bool = False) -> None:
        super().__init__(maxsize, use_lifo)
        self._idle: deque[ConnectionPoolEntry] = deque()
        self._waiting: deque[asyncio.Future[ConnectionPoolEntry]] = deque()

    def empty(self) -> bool:
        return not self._idle

    def full(self) -> bool:
        return 0 < self.maxsize <= len(self._idle)

    def qsize(self) -> int:
        return len(self._idle)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """Raises Full when nobody waits and enough are idle."""
        if self._hand_over(item):
            return
        if self.full():
            raise Full
        self._idle.append(item)

    def put(self, item: ConnectionPoolEntry, block: bool = True, timeout: float | None = None) -> None:
        """As `put_nowait`: the pool never waits until one is taken."""
        self.put_nowait(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        """Raises Empty."""
        if not self._idle:
            raise Empty
        return self._idle.popleft()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """The next one, after at most `timeout` seconds. Raises Empty."""
        if self._idle or not block:
            return self.get_nowait()
        try:
            return await_(self._turn(timeout))
        except TimeoutError as error:
            raise Empty from error

    async def _turn(self, within_s: float | None) -> ConnectionPoolEntry:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(within_s):
                return await turn
        except (TimeoutError, asyncio.CancelledError):
            # It may have come in the very moment in which nobody waited for it any more.
            if not turn.cancel() and not turn.cancelled() and not self._hand_over(turn.result()):
                self._idle.append(turn.result())
            raise

    def _hand_over(self, item: ConnectionPoolEntry) -> bool:
        """Whether somebody has waited for it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(item)
                return True
        return False


class TurnPool(AsyncAdaptedQueuePool):
    """As SQLAlchemy's own in everything else."""

    _queue_class = Line
