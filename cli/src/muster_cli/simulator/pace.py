"""When things may happen: a limit on new connections, backoff with jitter, and a sleep that a stop cuts short."""

import asyncio
from random import uniform

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0


class Pace:
    """Hands out turns at most `per_second`, so that a fleet that starts or comes back together is no storm."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._last = 0.0

    def turn(self, now: float) -> float:
        """The time of the next free turn, `now` or later."""
        self._last = max(self._last + self._gap, now)
        return self._last


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: full jitter under a doubling bound."""
    return uniform(0.0, min(_FIRST_BACKOFF_S * 2.0 ** min(failures, 16), _LONGEST_BACKOFF_S))  # noqa: S311 - no secret


class Nap:
    """Sleeps for one task, until stopped. Each device has its own: ten thousand waiters on one event would be slow."""

    def __init__(self) -> None:
        self.stopped = False
        self._sleeping: asyncio.Future[None] | None = None

    def stop(self) -> None:
        self.stopped = True
        if self._sleeping is not None:
            _wake(self._sleeping)

    async def until(self, when: float) -> None:
        """Returns at `when`, in the event loop's time, or as soon as it is stopped."""
        if self.stopped:
            return
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        timer = loop.call_at(when, _wake, self._sleeping)
        try:
            await self._sleeping
        finally:
            timer.cancel()
            self._sleeping = None


def _wake(sleeping: asyncio.Future[None]) -> None:
    if not sleeping.done():
        sleeping.set_result(None)
