"""What is heard of presence: devices that came or went."""

from collections.abc import Sequence

from monitoring.alert_evaluation.service import StreamWatch
from shared.contracts.envelope import Envelope
from shared.contracts.presence import DeviceConnected, DeviceDisconnected

_EVENTS = {event.type: event for event in (DeviceConnected, DeviceDisconnected)}


class PresenceConsumer:
    def __init__(self, watch: StreamWatch) -> None:
        self._watch = watch

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Only a reason to look, so it needs no inbox."""
        await self._watch.follow([_EVENTS[envelope.type].of(envelope) for envelope in envelopes])
