"""Every query about canaries: one document a question, with its unsent answer inside it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from monitoring.canary.models import Canary, Criterion, Judgement
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.outbox.documents import OUTBOX_FIELD, create_outbox_index

_KEPT = timedelta(days=30)


class CanaryStore:
    def __init__(self, database: Database) -> None:
        self.collection = database["canaries"]

    async def prepare(self) -> None:
        """Makes the indexes: of what waits, of what is unsent, and of what is past its time. Raises StoreAway."""
        with store_errors():
            await self.collection.create_index("waits", sparse=True, name="waits")
            await self.collection.create_index(
                "judged_at", expireAfterSeconds=int(_KEPT.total_seconds()), name="judged_at"
            )
        await create_outbox_index(self.collection)

    async def put(self, canary: Canary, *, grace: timedelta) -> None:
        """Keeps a question that is to be judged `grace` after its end; again, it changes nothing. Raises StoreAway."""
        document = asdict(canary) | {"due_at": canary.ends + grace, "waits": True}
        with store_errors():
            await self.collection.update_one(
                {"_id": document.pop("canary_id")}, {"$setOnInsert": document}, upsert=True
            )

    async def due(self, limit: int) -> list[Canary]:
        """Those that wait and whose time has come by the store's clock. Raises StoreAway."""
        # SecantusDB finds no date smaller than $$NOW unless both are numbers.
        over = {"$expr": {"$lte": [{"$toLong": "$due_at"}, {"$toLong": "$$NOW"}]}}
        with store_errors():
            found = await self.collection.find({"waits": True} | over).limit(limit).to_list(limit)
        return [_canary(document) for document in found]

    async def judge(self, canary: Canary, judgement: Judgement, unsent: Sequence[Document]) -> bool:
        """Keeps a verdict with the events that tell of it; false when there was one. Raises StoreAway."""
        change: Document = {
            "$set": {"verdict": judgement.verdict, "detail": judgement.detail},
            "$unset": {"waits": ""},
            "$currentDate": {"judged_at": True},
            "$push": {OUTBOX_FIELD: {"$each": list(unsent)}},
        }
        with store_errors():
            result = await self.collection.update_one({"_id": canary.canary_id, "waits": True}, change)
        return result.modified_count == 1


def _canary(document: Document) -> Canary:
    names = ("organization_id", "release", "wave", "alerts", "min_devices", "begins", "ends")
    return Canary(
        canary_id=document["_id"],
        metrics=[Criterion(**criterion) for criterion in document["metrics"]],
        **{name: document[name] for name in names},
    )
