"""Use cases of updates: follow their events, and say which is each device's newest."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Protocol

from monitoring.updates.events import item_of
from monitoring.updates.models import Update
from monitoring.updates.store import UpdateStore
from shared.contracts.live import UpdateItem
from shared.contracts.updates import UpdateSessionState

_UNDER_WAY = frozenset({"acknowledged", "downloading", "flashed", "cancelling"})
_ENDED = frozenset({"completed", "failed", "cancelled", "timed_out"})
_AFTERMATH = timedelta(hours=1)


class UpdateService:
    """Reads."""

    def __init__(self, store: UpdateStore) -> None:
        self._store = store

    async def among(self, uids: Sequence[str]) -> list[UpdateItem]:
        """Of devices that the caller has found to be the organization's; those never updated are left out."""
        return [item_of(update) for update in await self._store.find_all(uids)]

    async def updated_by(self, organization_id: int, release: str, wave: str) -> list[str]:
        """The devices whose newest update is one of this wave, and completed, in no order. Raises StoreAway."""
        return await self._store.updated_by(organization_id, release, wave)

    async def touching(self, uids: Sequence[str], at: datetime) -> dict[str, Update]:
        """The updates that are changing these devices or have ended within the hour before `at`, by device."""
        return {
            update.device_uid: update
            for update in await self._store.find_all(uids)
            if update.state in _UNDER_WAY or (update.state in _ENDED and update.updated_at >= at - _AFTERMATH)
        }


class LiveUpdates(Protocol):
    """Whoever shows updates to people who are watching."""

    def updates(self, organization_id: int, items: Sequence[UpdateItem]) -> None: ...


class UpdateTracker:
    """Follows the sessions of devices, known to the copy of the fleet or not yet: who reads asks the copy first."""

    def __init__(self, store: UpdateStore, live: LiveUpdates) -> None:
        self._store = store
        self._live = live

    async def follow(self, states: Sequence[UpdateSessionState]) -> None:
        """Takes over the newest session of each device; one that is not newer than the one kept changes nothing.

        What is shown is read back, so that no late event shows an old state. Raises StoreAway.
        """
        newest: dict[str, Update] = {}
        for state in sorted(states, key=lambda state: (state.counter, state.version)):
            newest[state.device_uid] = _update(state)
        await self._store.put_newer(list(newest.values()))
        by_organization: dict[int, list[UpdateItem]] = defaultdict(list)
        for update in await self._store.find_all(list(newest)):
            by_organization[update.organization_id].append(item_of(update))
        for organization_id, items in by_organization.items():
            self._live.updates(organization_id, items)


def _update(state: UpdateSessionState) -> Update:
    return Update(**{member.name: getattr(state, member.name) for member in fields(Update)})
