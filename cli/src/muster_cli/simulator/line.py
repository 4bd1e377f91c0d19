"""A device's network as its course has it: cut and given back at their moments, and as fast as its link."""

import asyncio
from collections.abc import Callable

import httpx

from muster_cli.simulator.course import Course, Outage


class Line:
    """At most one timer. It is the `Link` of the device's updates too."""

    __slots__ = (
        "_course",
        "_cuts",
        "_free_at",
        "_loop",
        "_next",
        "_on_cut",
        "_outages",
        "_restored",
        "_started",
        "_timer",
        "in_herd",
    )

    def __init__(self, course: Course, *, on_cut: Callable[[], None]) -> None:
        """`on_cut` is called when the network goes."""
        self._course = course
        self._on_cut = on_cut
        self._loop = asyncio.get_running_loop()
        self._started = 0.0
        self._outages = course.outages()
        self._next: Outage | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._restored: asyncio.Future[None] | None = None
        self._free_at = 0.0
        self._cuts = 0
        self.in_herd = False
        """Whether the last outage was a herd's."""

    def start(self, started: float) -> None:
        """`started` is when the fleet began, in the event loop's time."""
        self._started = started
        self._await_next()

    def close(self) -> None:
        """From now on nothing happens to it; an outage under way is over."""
        self._outages = iter(())
        if self._timer is not None:
            self._timer.cancel()
        self._restore()

    @property
    def elapsed(self) -> float:
        """Seconds since the fleet began."""
        return self._loop.time() - self._started

    @property
    def back_at(self) -> float | None:
        """When the outage under way ends, in the event loop's time; None when there is none."""
        return self._started + self._next.end if self._restored is not None and self._next is not None else None

    async def up(self) -> None:
        while self._restored is not None:
            await asyncio.shield(self._restored)

    async def carried(self, size: int) -> None:
        """Raises httpx.ReadError when the network went meanwhile."""
        cuts, speed = self._cuts, self._course.bytes_per_second(self.elapsed)
        if speed is not None:
            now = self._loop.time()
            self._free_at = max(self._free_at, now) + size / speed
            await asyncio.sleep(self._free_at - now)
        if self._cuts != cuts or self._restored is not None:
            raise httpx.ReadError("the network is gone")

    def _await_next(self) -> None:
        self._next = next(self._outages, None)
        if self._next is not None:
            self._timer = self._loop.call_at(self._started + self._next.start, self._cut, self._next)

    def _cut(self, outage: Outage) -> None:
        self._cuts += 1
        self._restored = self._loop.create_future()
        self.in_herd = outage.herd
        self._timer = self._loop.call_at(self._started + outage.end, self._restore)
        self._on_cut()

    def _restore(self) -> None:
        if self._restored is not None:
            self._restored.set_result(None)
            self._restored = None
        self._await_next()
