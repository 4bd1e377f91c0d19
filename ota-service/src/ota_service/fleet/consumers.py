"""What the copy hears: every event that carries a device's state."""

from collections.abc import Sequence

from ota_service.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class FleetConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        states = [DeviceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(FleetService).follow(states)
