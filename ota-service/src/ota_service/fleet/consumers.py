"""What the copy hears: every event that carries the state of a device or of a group."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from ota_service.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted, GroupSnapshot, GroupState
from shared.http.scope import Scopes

GROUP_EVENTS: dict[str, type[GroupState]] = {
    event.type: event for event in (GroupCreated, GroupChanged, GroupDeleted, GroupSnapshot)
}


class Follows(Protocol):
    """Whoever goes by what the copy has."""

    async def __call__(self, organization_id: int, uids: Sequence[str] | None) -> None:
        """The copy has news of these devices; None: of a group, so of who knows which. The same may be told again."""
        ...


class FleetConsumer:
    def __init__(self, scopes: Scopes, *followers: Follows) -> None:
        self._scopes = scopes
        self._followers = followers

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox.

        Followers hear of it once it is committed, and again with the events when the process dies in between.
        """
        groups = [kind.of(envelope) for envelope in envelopes if (kind := GROUP_EVENTS.get(envelope.type)) is not None]
        devices = [DeviceState.of(envelope) for envelope in envelopes if envelope.type not in GROUP_EVENTS]
        async with self._scopes() as scope:
            fleet = scope.get(FleetService)
            if groups:
                await fleet.follow_groups(groups)
            if devices:
                await fleet.follow(devices)
        uids: defaultdict[int, set[str]] = defaultdict(set)
        for device in devices:
            uids[device.organization_id].add(device.device_uid)
        for follower in self._followers:
            for organization_id in sorted({group.organization_id for group in groups}):
                await follower(organization_id, None)
            for organization_id in sorted(uids):
                await follower(organization_id, sorted(uids[organization_id]))
