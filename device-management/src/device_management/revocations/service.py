"""Use cases of refused tokens. Every process of every service refuses within seconds of the commit."""

from collections.abc import Sequence

from device_management.revocations.events import access_event, snapshot
from device_management.revocations.store import RevocationStore
from shared.revocations import Revocation
from shared.sql.unit_of_work import UnitOfWork


class RevocationService:
    def __init__(self, unit: UnitOfWork, store: RevocationStore) -> None:
        self._unit = unit
        self._store = store

    async def tell(self, organization_id: int, entries: Sequence[Revocation]) -> None:
        """Writes down what is refused, or no longer, in the transaction of its cause, together with its events."""
        await self._store.put(entries)
        for entry in entries:
            self._unit.outbox.add(access_event(organization_id, entry))

    async def tell_again(self, organization_id: int) -> None:
        """Tells the whole list as it is, of all organizations, because this one's administrator asks."""
        for entry in await self._store.everything():
            self._unit.outbox.add(snapshot(organization_id, entry))

    async def forget(self) -> None:
        """Deletes what can refuse no token any more."""
        await self._store.forget()
