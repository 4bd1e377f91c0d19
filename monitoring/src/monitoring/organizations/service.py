"""Use cases of the copy of organizations."""

from collections.abc import Mapping, Sequence
from time import monotonic

from monitoring.organizations.models import STANDARD, Organization, Retention
from monitoring.organizations.store import OrganizationStore
from shared.contracts.organizations import OrganizationState

_FRESH_S = 30.0


class OrganizationService:
    """`days` says how long each class keeps samples. What is remembered of organizations is at most 30 s old."""

    def __init__(self, store: OrganizationStore, *, days: Mapping[str, int]) -> None:
        self._store = store
        self._retentions = {name: Retention(name, kept) for name, kept in days.items()}
        self._known: Mapping[int, Retention] = {}
        self._fresh_until = 0.0

    @property
    def retentions(self) -> Mapping[str, Retention]:
        """Every class by its name."""
        return self._retentions

    @property
    def standard(self) -> Retention:
        """The class of organizations that have no other, and of devices whose organization is not known yet."""
        return self._retentions[STANDARD]

    async def follow(self, states: Sequence[OrganizationState]) -> None:
        """Takes over the newest state of each organization; one that is older than the copy's changes nothing."""
        newest: dict[int, Organization] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.organization_id] = Organization(
                state.organization_id, state.telemetry_retention, state.version
            )
        await self._store.put_newer(list(newest.values()))

    async def retention(self, organization_id: int) -> Retention:
        """Raises StoreAway."""
        return (await self.known_retentions()).get(organization_id, self.standard)

    async def known_retentions(self) -> Mapping[int, Retention]:
        """The class of each organization that has told one. Raises StoreAway."""
        if monotonic() >= self._fresh_until:
            classes = await self._store.retention_classes()
            self._known = {one: self._retentions.get(name, self.standard) for one, name in classes.items()}
            self._fresh_until = monotonic() + _FRESH_S
        return self._known
