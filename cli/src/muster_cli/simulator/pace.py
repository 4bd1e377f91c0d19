"""When things may happen: a limit on new connections, backoff with jitter, and a sleep that can be cut short."""

import asyncio
from random import uniform

_FIRST_BACKOFF_S = 0.5
_LONGEST_BACKOFF_S = 30.0

SIGN_INS_AT_ONCE = 64


class Pace:
    """Hands out turns at most `per_second`, so that a fleet that starts or comes back together is no storm.

    `places` are for those that sign in: a broker that is slower than the turns is not sent more. RabbitMQ before 4
    starts whatever a connection needs in one process, whose work grows with the square of how many wait for it.
    """

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._last = 0.0
        self.places = asyncio.Semaphore(SIGN_INS_AT_ONCE)

    def turn(self, now: float) -> float:
        """The time of the next free turn, `now` or later."""
        self._last = max(self._last + self._gap, now)
        return self._last


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: full jitter under a doubling bound."""
    return uniform(0.0, min(_FIRST_BACKOFF_S * 2.0 ** min(failures, 16), _LONGEST_BACKOFF_S))  # noqa: S311 - no secret


class Nap:
    """Sleeps for one task, until woken. Each device has its own: ten thousand waiters on one event would be slow."""

    __slots__ = ("_sleeping",)

    def __init__(self) -> None:
        self._sleeping: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Ends the sleep under way, if any; a later one is not affected."""
        if self._sleeping is not None:
            _end(self._sleeping)

    async def until(self, when: float) -> None:
        """Returns at `when`, in the event loop's time, or when woken."""
        loop = asyncio.get_running_loop()
        self._sleeping = loop.create_future()
        timer = loop.call_at(when, _end, self._sleeping)
        try:
            await self._sleeping
        finally:
            timer.cancel()
            self._sleeping = None


def _end(sleeping: asyncio.Future[None]) -> None:
    if not sleeping.done():
        sleeping.set_result(None)
