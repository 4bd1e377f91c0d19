"""What presence does by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from monitoring.presence.service import PresenceTracker
from shared.errors import ServiceUnavailable

_log = structlog.get_logger(__name__)


class Reconcile:
    """Compares presence with the broker's connections at the start, every so often, and after each loss of the broker.

    `reconnected` returns when the connection to the broker was lost and is there again.
    """

    def __init__(
        self,
        tracker: PresenceTracker,
        reconnected: Callable[[], Awaitable[object]],
        *,
        every: timedelta = timedelta(minutes=1),
        again: timedelta = timedelta(seconds=3),
    ) -> None:
        self._tracker = tracker
        self._reconnected = reconnected
        self._every_s = every.total_seconds()
        self._again_s = again.total_seconds()

    async def __call__(self) -> None:
        while True:
            pause_s = self._every_s
            try:
                await self._tracker.reconcile()
            except ServiceUnavailable as error:
                _log.warning("presence not reconciled", reason=error.code)
                pause_s = self._again_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._reconnected()
