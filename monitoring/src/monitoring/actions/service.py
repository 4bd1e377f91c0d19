"""Use cases of actions and configurations: follow their events, and say how they stand on some devices."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from monitoring.actions.events import task_of
from monitoring.actions.store import ActionStore
from shared.clock import Clock
from shared.contracts.actions import ActionState
from shared.contracts.configuration import ConfigurationState
from shared.contracts.live import ActionItem, ConfigurationItem, instant

_LATELY = timedelta(hours=1)
_KEPT = timedelta(days=7)


class ActionService:
    """Reads, of devices that the caller has found to be the organization's."""

    def __init__(self, store: ActionStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def among(self, uids: Sequence[str]) -> list[ActionItem]:
        """Their open actions, and those that ended within the hour. Raises StoreAway."""
        return await self._store.actions(uids, since=instant(self._clock.now() - _LATELY))

    async def configurations(self, uids: Sequence[str]) -> list[ConfigurationItem]:
        """Those never configured and silent are left out. Raises StoreAway."""
        return await self._store.configurations(uids)


class LiveActions(Protocol):
    """Whoever shows actions and configurations to people who are watching."""

    def actions(self, organization_id: int, items: Sequence[ActionItem | ConfigurationItem]) -> None: ...


class ActionTracker:
    """Follows what devices are asked, known to the copy of the fleet or not yet: who reads asks the copy first."""

    def __init__(self, store: ActionStore, live: LiveActions, *, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock

    async def follow(self, states: Sequence[ActionState | ConfigurationState]) -> None:
        """Takes over the newest state of each; one that is not newer than the one kept changes nothing.

        What is shown is read back, so that no late event shows an old state. Raises StoreAway.
        """
        told = [task_of(state) for state in states]
        await self._store.put_newer(told)
        by_organization: dict[int, list[ActionItem | ConfigurationItem]] = defaultdict(list)
        for task in await self._store.find_all([task.item for task in told]):
            by_organization[task.organization_id].append(task.item)
        for organization_id, items in by_organization.items():
            self._live.actions(organization_id, items)

    async def forget(self) -> None:
        """Drops actions that ended so long ago that no event of them can still come. Raises StoreAway."""
        await self._store.drop(completed_before=instant(self._clock.now() - _KEPT))
