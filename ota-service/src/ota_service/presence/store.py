"""Every query about presence."""

from collections.abc import Collection, Sequence

from pydantic_core import to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.presence import PresenceState

_PUT_NEWER = text(
    """
    insert into device_presences as known (device_uid, organization_id, online, version, heard_at)
    select device_uid, organization_id, online, version, clock_timestamp()
    from jsonb_to_recordset(cast(:rows as jsonb)) as news (
        device_uid text, organization_id bigint, online boolean, version bigint
    )
    order by device_uid collate "C"
    on conflict (device_uid) do update set
        organization_id = excluded.organization_id, online = excluded.online, version = excluded.version,
        heard_at = excluded.heard_at
    where known.version < excluded.version
    """
)

_HELD = text(
    """
    select device_uid, online from device_presences where device_uid = any(cast(:uids as text[]))
    order by device_uid collate "C" for share
    """
)


class PresenceStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def online(self, uids: Collection[str]) -> set[str]:
        """Those of these devices that are online; no row of any of them changes until this transaction ends."""
        rows = await self._session.execute(_HELD, {"uids": list(uids)})
        return {row.device_uid for row in rows if row.online}

    async def put_newer(self, states: Sequence[PresenceState]) -> None:
        """Takes over each state whose version is greater than the copy's, in one statement; uids must differ."""
        await self._session.execute(_PUT_NEWER, {"rows": to_json([state.model_dump() for state in states]).decode()})
