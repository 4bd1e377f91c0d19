"""Frames out of a worker."""

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter

from monitoring.frames.models import FRAME_SECONDS, FRAMES, TOPICS, Conflation, conflation
from shared.contracts.live import (
    ActionItem,
    AlertFrame,
    AlertItem,
    BatchItem,
    ConfigurationItem,
    ConfigurationJobItem,
    Frame,
    PresenceFrame,
    PresenceItem,
    ReleaseItem,
    TelemetryFrame,
    TelemetryItem,
    UpdateFrame,
    UpdateItem,
)
from shared.contracts.routes import LIVE_EXCHANGE, live_key
from shared.messaging.publisher import Message, Publisher

SENT = Counter("muster_live_frames_total", "Frames given to rooms, or to the broker", ["topic", "to"])

_ITEMS_A_FRAME = 1_000
_FRAME_BYTES = 512 * 1024
"""Beyond that a frame goes as two."""

_encoder = msgspec.json.Encoder()
_log = structlog.get_logger(__name__)


class FrameSender:
    """In a worker: what has happened since the last frame, an organization at a time.

    Frames are worth nothing when late, so a broker that is away loses them and nobody waits.
    """

    SECONDS = FRAME_SECONDS / 4
    """Between two frames of an organization. A room of many waits longer; who watches one device need not."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._pending: dict[tuple[type[Frame], int], Conflation] = {}
        self._woken = asyncio.Event()

    def telemetry(self, organization_id: int, items: Iterable[TelemetryItem]) -> None:
        self._keep(TelemetryFrame, organization_id, items)

    def presence(self, organization_id: int, items: Iterable[PresenceItem]) -> None:
        self._keep(PresenceFrame, organization_id, items)

    def updates(self, organization_id: int, items: Iterable[UpdateItem]) -> None:
        self._keep(UpdateFrame, organization_id, items)

    def alerts(self, organization_id: int, items: Iterable[AlertItem]) -> None:
        self._keep(AlertFrame, organization_id, items)

    def rollouts(self, organization_id: int, items: Iterable[ReleaseItem | BatchItem | ConfigurationJobItem]) -> None:
        for item in items:
            self._keep(FRAMES[type(item)], organization_id, [item])

    def actions(self, organization_id: int, items: Iterable[ActionItem | ConfigurationItem]) -> None:
        for item in items:
            self._keep(FRAMES[type(item)], organization_id, [item])

    async def run(self) -> None:
        """Sends until cancelled: at once after a pause, then one frame an organization in every `SECONDS`."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            frames = self._take()
            outcomes = await self._publisher.publish_all([one for frame in frames for one in _messages(frame)])
            if lost := [outcome for outcome in outcomes if outcome is not None]:
                _log.info("live frames lost", frames=len(lost), reason=type(lost[0]).__name__)
            await asyncio.sleep(self.SECONDS)

    def _keep(self, kind: type[Frame], organization_id: int, items: Iterable[Any]) -> None:
        self._pending.setdefault((kind, organization_id), conflation(TOPICS[kind])).add(items)
        self._woken.set()

    def _take(self) -> list[Frame]:
        pending, self._pending = self._pending, {}
        return [
            kind(organization_id, part)
            for (kind, organization_id), kept in pending.items()
            for part in _parts(kept.take())
        ]


def _parts(items: list[Any]) -> Iterable[list[Any]]:
    return (items[start : start + _ITEMS_A_FRAME] for start in range(0, len(items), _ITEMS_A_FRAME))


def _messages(frame: Frame) -> Iterable[Message]:
    body = _encoder.encode(frame)
    if len(body) > _FRAME_BYTES and len(frame.items) > 1:
        half = len(frame.items) // 2
        for items in (frame.items[:half], frame.items[half:]):
            yield from _messages(msgspec.structs.replace(frame, items=items))
        return
    SENT.labels(TOPICS[type(frame)], "broker").inc()
    yield Message(
        exchange=LIVE_EXCHANGE,
        routing_key=live_key(frame.organization_id),
        body=body,
        mandatory=False,
        persistent=False,
    )
