"""Use cases of the copy of the organizations."""

from collections.abc import Sequence

from ota_service.tenants.models import Tenant
from ota_service.tenants.store import TenantStore
from shared.contracts.organizations import OrganizationState


class TenantService:
    def __init__(self, store: TenantStore) -> None:
        self._store = store

    async def follow(self, states: Sequence[OrganizationState]) -> None:
        """Takes over the newest state of each organization; one that is not newer than the copy's changes nothing."""
        newest = {state.organization_id: state for state in sorted(states, key=lambda state: state.version)}
        await self._store.put_newer([_copy(newest[organization_id]) for organization_id in sorted(newest)])


def _copy(state: OrganizationState) -> Tenant:
    return Tenant(
        organization_id=state.organization_id,
        slug=state.slug,
        state=state.state,
        settings=state.settings,
        version=state.version,
    )
