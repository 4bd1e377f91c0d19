"""Use cases of presence."""

from collections.abc import Collection, Sequence

from ota_service.presence.store import PresenceStore
from shared.contracts.presence import PresenceState


class PresenceService:
    def __init__(self, store: PresenceStore) -> None:
        self._store = store

    async def online(self, uids: Collection[str]) -> set[str]:
        """Those of these devices that are there.

        News of the others wait until the unit ends, unless a device was never there before.
        """
        return await self._store.online(uids) if uids else set()

    async def follow(self, states: Sequence[PresenceState]) -> None:
        """Takes over the newest presence of each device; one that is not newer than the copy's changes nothing."""
        newest: dict[str, PresenceState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.device_uid] = state
        if newest:
            await self._store.put_newer(list(newest.values()))
