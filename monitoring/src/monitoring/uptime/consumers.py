"""What uptime hears: presence's own news, which the outbox loses none of."""

from collections.abc import Sequence

from monitoring.uptime.service import UptimeService
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState


class ChangeConsumer:
    def __init__(self, uptime: UptimeService) -> None:
        self._uptime = uptime

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the key of a change, so it needs no inbox."""
        await self._uptime.follow([PresenceState.of(envelope) for envelope in envelopes])
