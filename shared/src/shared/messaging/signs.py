"""Telling presence of devices that speak to a service over HTTP."""

import asyncio
from datetime import timedelta

import msgspec
import structlog

from shared.clock import Clock
from shared.contracts.live import instant
from shared.contracts.routes import LIVE_EXCHANGE
from shared.contracts.signs import SIGNS_KEY, Signs
from shared.messaging.publisher import Message, Publisher

_AT_ONCE = 1_000
_REMEMBERED = 100_000

_log = structlog.get_logger(__name__)


class SignsOfLife:
    """Collects who was heard and tells of all together, of a device at most once in `again_after`.

    Nobody waits for it, and a broker that is away loses them.
    """

    SECONDS = 1.0

    def __init__(self, publisher: Publisher, *, clock: Clock, again_after: timedelta = timedelta(minutes=1)) -> None:
        self._publisher = publisher
        self._clock = clock
        self._again_after_ms = int(again_after.total_seconds() * 1000)
        self._heard: dict[str, int | None] = {}
        self._told: dict[str, int] = {}

    def heard(self, uid: str, *, for_s: int | None = None) -> None:
        """A verified request of the device, or of a gateway for it."""
        now = instant(self._clock.now())
        if now - self._told.get(uid, 0) < self._again_after_ms:
            return
        while len(self._told) >= _REMEMBERED:
            del self._told[next(iter(self._told))]
        self._told[uid] = now
        self._heard[uid] = for_s

    async def run(self) -> None:
        """Tells until cancelled."""
        while True:
            await asyncio.sleep(self.SECONDS)
            await self.tell()

    async def tell(self) -> None:
        """Of all who were heard since the last time."""
        taken, self._heard = list(self._heard.items()), {}
        at = instant(self._clock.now())
        parts = [dict(taken[start : start + _AT_ONCE]) for start in range(0, len(taken), _AT_ONCE)]
        outcomes = await self._publisher.publish_all([_message(Signs(at, part)) for part in parts])
        if lost := [outcome for outcome in outcomes if outcome is not None]:
            _log.info("signs of life lost", reason=type(lost[0]).__name__)


def _message(signs: Signs) -> Message:
    return Message(
        exchange=LIVE_EXCHANGE,
        routing_key=SIGNS_KEY,
        body=msgspec.json.encode(signs),
        mandatory=False,
        persistent=False,
    )
