"""Every query about what is installed."""

from collections.abc import Collection, Sequence
from dataclasses import asdict

from pydantic_core import to_json
from sqlalchemy import ARRAY, Text, cast, func, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.installations.models import Installation
from ota_service.installations.schemas import Brought

_RECORD = text(
    """
    insert into installations as known (
        device_uid, firmware_name, organization_id, firmware_id, version, release_counter, session_counter,
        confirmed_id, installed_at
    )
    select device_uid, firmware_name, organization_id, firmware_id, version, release_counter, session_counter,
           case when confirmed then firmware_id end, clock_timestamp()
    from jsonb_to_recordset(cast(:rows as jsonb)) as brought (
        device_uid text, firmware_name text, organization_id bigint, firmware_id bigint, version text,
        release_counter bigint, session_counter bigint, confirmed boolean
    )
    order by device_uid collate "C", firmware_name collate "C"
    on conflict (device_uid, firmware_name) do update set
        firmware_id = excluded.firmware_id, version = excluded.version, release_counter = excluded.release_counter,
        session_counter = excluded.session_counter, installed_at = excluded.installed_at,
        confirmed_id = coalesce(excluded.confirmed_id, known.confirmed_id)
    where known.session_counter <= excluded.session_counter
    """
)


class InstallationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def of(self, organization_id: int, uids: Collection[str]) -> Sequence[Installation]:
        """What is on these devices."""
        query = select(Installation).where(
            col(Installation.device_uid) == func.any(cast(list(uids), ARRAY(Text))),
            Installation.organization_id == organization_id,
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).all()

    async def record(self, brought: Sequence[Brought]) -> None:
        """In one statement; what a later session has brought already stays."""
        await self._session.execute(_RECORD, {"rows": to_json([asdict(one) for one in brought]).decode()})
