"""What the copy hears: every event that carries the state of a device or of a group."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

import structlog

from ota_service.fleet.service import FleetService
from shared.contracts.devices import DeviceState
from shared.contracts.envelope import Envelope
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted, GroupSnapshot, GroupState
from shared.http.scope import Scopes

GROUP_EVENTS: dict[str, type[GroupState]] = {
    event.type: event for event in (GroupCreated, GroupChanged, GroupDeleted, GroupSnapshot)
}


_log = structlog.get_logger(__name__)


class Follows(Protocol):
    """Whoever goes by what the copy has, sooner than by looking by itself now and then, as it does all the same."""

    async def __call__(self, organization_id: int, uids: Sequence[str] | None) -> None:
        """The copy has news of these devices; None: of a group, so of who knows which. The same may be told again."""
        ...


class FleetConsumer:
    def __init__(self, scopes: Scopes, *followers: Follows) -> None:
        self._scopes = scopes
        self._followers = followers

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the versions, so it needs no inbox.

        Followers hear of it once it is committed, and again with the events when the process dies in between. One that
        fails is left to its own looking: the copy and the other followers do not wait for it.
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
        for organization_id in sorted({group.organization_id for group in groups}):
            await self._tell(organization_id, None)
        for organization_id in sorted(uids):
            await self._tell(organization_id, sorted(uids[organization_id]))

    async def _tell(self, organization_id: int, uids: Sequence[str] | None) -> None:
        for follower in self._followers:
            try:
                await follower(organization_id, uids)
            except Exception:  # noqa: BLE001 - whatever it is, what the copy has stands
                _log.exception("a follower of the fleet failed", organization_id=organization_id)
