"""What presence does by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from monitoring.presence.service import PresenceTracker
from shared.errors import ServiceUnavailable

_log = structlog.get_logger(__name__)


class Reconcile:
    """Compares presence with the broker's connections at the start, after each loss of the broker, and every so often.

    `reconnected` returns when the connection to the broker was lost and is there again. The management API lists a
    connection some time after it came, so a first look is soon followed by a second.
    """

    def __init__(
        self,
        tracker: PresenceTracker,
        reconnected: Callable[[], Awaitable[object]],
        *,
        every: timedelta = timedelta(minutes=1),
        soon: timedelta = timedelta(seconds=10),
    ) -> None:
        self._tracker = tracker
        self._reconnected = reconnected
        self._every_s = every.total_seconds()
        self._soon_s = soon.total_seconds()

    async def __call__(self) -> None:
        pause_s = self._soon_s
        while True:
            try:
                await self._tracker.reconcile()
            except ServiceUnavailable as error:
                _log.warning("presence not reconciled", reason=error.code)
                pause_s = self._soon_s
            try:
                async with asyncio.timeout(pause_s):
                    await self._reconnected()
                pause_s = self._soon_s
            except TimeoutError:
                pause_s = self._every_s


class EndSilent:
    """Ends the presence of devices that are not heard of any more. Any number of workers may run it."""

    SECONDS = 5.0

    def __init__(self, tracker: PresenceTracker) -> None:
        self._tracker = tracker

    async def __call__(self) -> None:
        await self._tracker.end_silent()
