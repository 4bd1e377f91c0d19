"""Every query about the sessions of actions."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from ota_service.actions.models import EndedAction
from ota_service.sessions.models import UpdateSession


class ActionStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, action_id: int) -> None:
        """Nobody else hears of this action until the transaction ends."""
        await self._session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"action/{action_id}", 0))))

    async def has_ended(self, action_id: int) -> bool:
        """Whether it ended before a session was opened for it."""
        return await self._session.get(EndedAction, action_id) is not None

    async def end(self, organization_id: int, action_id: int) -> None:
        """Remembers that no session is to be opened for it any more."""
        values = {"organization_id": organization_id, "action_id": action_id}
        await self._session.execute(insert(EndedAction).values(values).on_conflict_do_nothing())

    async def forget_ended(self, after: timedelta) -> None:
        """Forgets those of which the end was heard longer ago than that."""
        await self._session.execute(
            delete(EndedAction).where(col(EndedAction.ended_at) < func.clock_timestamp() - after)
        )

    async def session_of(self, action_id: int) -> UpdateSession | None:
        """The session that carries out this action, of whichever organization."""
        query = select(UpdateSession).where(UpdateSession.action_id == action_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(func.clock_timestamp()))).scalar_one()
