"""Every query about the copy of the organizations."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from ota_service.tenants.models import Tenant


class TenantStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put_newer(self, tenants: Sequence[Tenant]) -> None:
        """Takes over each organization whose version is greater than the copy's, in one statement; ids must differ."""
        proposed = insert(Tenant).values([tenant.model_dump() for tenant in tenants])
        changes = {name: proposed.excluded[name] for name in Tenant.model_fields if name != "organization_id"}
        await self._session.execute(
            proposed.on_conflict_do_update(
                index_elements=["organization_id"],
                set_=changes,
                where=col(Tenant.version) < proposed.excluded.version,
            )
        )
