"""What the copy hears: every event that carries the state of a device or of a group."""

from collections.abc import Sequence

from monitoring.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted, GroupSnapshot, GroupState

_GROUP_EVENTS: dict[str, type[GroupState]] = {
    event.type: event for event in (GroupCreated, GroupChanged, GroupDeleted, GroupSnapshot)
}


class FleetConsumer:
    def __init__(self, fleet: FleetService) -> None:
        self._fleet = fleet

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox."""
        groups = [kind.of(envelope) for envelope in envelopes if (kind := _GROUP_EVENTS.get(envelope.type)) is not None]
        devices = [DeviceState.of(envelope) for envelope in envelopes if envelope.type not in _GROUP_EVENTS]
        if groups:
            await self._fleet.follow_groups(groups)
        if devices:
            await self._fleet.follow(devices)
