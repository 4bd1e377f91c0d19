"""What the fleet's slice hears: every event that carries a device's state, and devices that connect."""

from collections.abc import Sequence

from ota_service.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.http.scope import Scopes
from shared.sql.unit_of_work import UnitOfWork


class FleetConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        states = [DeviceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(FleetService).follow(states)


class PresenceConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Sends what waits for the devices that connected; doing it again is harmless."""
        uids = [PresenceState.of(envelope).device_uid for envelope in envelopes]
        async with self._scopes() as scope:
            scope.get(UnitOfWork).outbox.devices_connected(uids)
