"""What the copy hears: every event that carries a device's state."""

from collections.abc import Sequence

from monitoring.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope


class FleetConsumer:
    def __init__(self, fleet: FleetService) -> None:
        self._fleet = fleet

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        await self._fleet.follow([DeviceState.of(envelope) for envelope in envelopes])
