"""A lease: one holder at a time, by the database's clock, so that no wall clock of a machine decides anything."""

from datetime import timedelta
from time import monotonic

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo.errors import DuplicateKeyError

from shared.mongo.client import Document
from shared.mongo.errors import store_errors


class Lease:
    """`name` is held by `holder` for `ttl` after each renewal. The holder's work between two `hold`s is shorter."""

    def __init__(
        self,
        leases: AsyncIOMotorCollection[Document],
        name: str,
        *,
        holder: str,
        ttl: timedelta = timedelta(seconds=15),
    ) -> None:
        self._leases = leases
        self._name = name
        self._holder = holder
        self._ttl = ttl
        self._fresh_until = 0.0

    async def hold(self) -> bool:
        """Takes or renews the lease; false while another holds it. Asks the store once in a fifth of the ttl only.

        Raises StoreAway.
        """
        now = monotonic()
        if now < self._fresh_until:
            return True
        # SecantusDB finds no date smaller than $$NOW unless both are numbers.
        over = {"$expr": {"$lt": [{"$toLong": "$until"}, {"$toLong": "$$NOW"}]}}
        until = {"$add": ["$$NOW", int(self._ttl.total_seconds() * 1000)]}
        with store_errors():
            try:
                await self._leases.update_one(
                    {"_id": self._name, "$or": [{"holder": self._holder}, over]},
                    [{"$set": {"holder": self._holder, "until": until}}],
                    upsert=True,
                )
            except DuplicateKeyError:
                return False
        self._fresh_until = now + self._ttl.total_seconds() / 5
        return True

    async def release(self) -> None:
        """Lets the next holder in at once. Raises StoreAway."""
        self._fresh_until = 0.0
        with store_errors():
            await self._leases.delete_one({"_id": self._name, "holder": self._holder})
