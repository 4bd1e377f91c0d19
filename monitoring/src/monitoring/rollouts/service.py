"""Use cases of rollouts: follow their events, and say what goes on and what has ended lately."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from monitoring.rollouts.events import RolloutState, rollout_of
from monitoring.rollouts.models import RolloutItem
from monitoring.rollouts.store import RolloutStore
from shared.clock import Clock
from shared.contracts.live import BatchItem, ConfigurationJobItem, ReleaseItem, instant

_LATELY = timedelta(days=1)
_KEPT = timedelta(days=30)


class RolloutService:
    """Reads: what is not over yet and what has ended within a day, of each kind the 200 that changed last."""

    def __init__(self, store: RolloutStore, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def releases(self, organization_id: int) -> list[ReleaseItem]:
        """Raises StoreAway, as its sisters do."""
        return await self._store.recent(ReleaseItem, organization_id, since=self._lately())

    async def batches(self, organization_id: int) -> list[BatchItem]:
        return await self._store.recent(BatchItem, organization_id, since=self._lately())

    async def configuration_jobs(self, organization_id: int) -> list[ConfigurationJobItem]:
        return await self._store.recent(ConfigurationJobItem, organization_id, since=self._lately())

    def _lately(self) -> int:
        return instant(self._clock.now() - _LATELY)


class LiveRollouts(Protocol):
    """Whoever shows rollouts to people who are watching."""

    def rollouts(self, organization_id: int, items: Sequence[RolloutItem]) -> None: ...


class RolloutTracker:
    def __init__(self, store: RolloutStore, live: LiveRollouts, *, clock: Clock) -> None:
        self._store = store
        self._live = live
        self._clock = clock

    async def follow(self, states: Sequence[RolloutState]) -> None:
        """Takes over the newest state of each; one that is not newer than the one kept changes nothing.

        What is shown is read back, so that no late event shows an old state. Raises StoreAway.
        """
        told = [rollout_of(state) for state in states]
        await self._store.put_newer(told)
        by_organization: dict[int, list[RolloutItem]] = defaultdict(list)
        for rollout in await self._store.find_all([rollout.item for rollout in told]):
            by_organization[rollout.organization_id].append(rollout.item)
        for organization_id, items in by_organization.items():
            self._live.rollouts(organization_id, items)

    async def forget(self) -> None:
        """Drops what ended so long ago that nobody is shown it and no event of it can still come. Raises StoreAway."""
        await self._store.drop(ended_before=instant(self._clock.now() - _KEPT))
