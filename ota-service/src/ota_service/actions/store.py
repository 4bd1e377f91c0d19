"""Every query about the sessions of actions."""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import select

from ota_service.sessions.models import UpdateSession


class ActionStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def session_of(self, action_id: int) -> UpdateSession | None:
        """The session that carries out this action, of whichever organization."""
        query = select(UpdateSession).where(UpdateSession.action_id == action_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(func.clock_timestamp()))).scalar_one()
