"""Use cases of organizations."""

from device_management.organizations.errors import OrganizationNotFound
from device_management.organizations.models import Organization
from device_management.organizations.store import OrganizationStore


class OrganizationService:
    def __init__(self, store: OrganizationStore) -> None:
        self._store = store

    async def get(self, organization_id: int) -> Organization:
        """Raises OrganizationNotFound."""
        organization = await self._store.find(organization_id)
        if organization is None:
            raise OrganizationNotFound
        return organization

    async def ensure(self, *, slug: str, name: str) -> Organization:
        return await self._store.ensure(slug=slug, name=name)
