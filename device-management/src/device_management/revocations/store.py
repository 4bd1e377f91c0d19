"""Every query about refused tokens; the table is `shared.sql.revocations`."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shared.revocations import Revocation
from shared.sql import revocations


class RevocationStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, entries: Sequence[Revocation]) -> None:
        await revocations.put(self._session, entries)

    async def everything(self) -> list[Revocation]:
        return await revocations.everything(self._session)

    async def forget(self) -> None:
        await revocations.forget(self._session)
