"""The outbox in MongoDB: unsent events ride inside the document whose change they tell of.

There is no transaction to lean on, so the change and its events are one update of one document:
`{"$set": {...}, "$push": {"outbox": pending(event, ...)}}`. The relay publishes them and pulls them out.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from motor.motor_asyncio import AsyncIOMotorCollection
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random

from shared.clock import Clock
from shared.contracts.envelope import EventData
from shared.ids import Ids
from shared.mongo.client import Document
from shared.mongo.errors import store_errors
from shared.mongo.lease import Lease
from shared.mongo.lookup import SLICE
from shared.outbox.metrics import RELAY_INTERRUPTED, RELAY_SENT, count_failures
from shared.outbox.order import Publishes, Sent, Waiting, event_message, send_in_order
from shared.outbox.writing import write

OUTBOX_FIELD = "outbox"

_PUT_OFF_AT_MOST_S = 60.0
_FORGET_AFTER_S = 300.0

_log = structlog.get_logger(__name__)

Collection = AsyncIOMotorCollection[Document]
_Key = tuple[int, Any, str]
"""Which collection, which document, which event."""


def pending(event: EventData, *, source: str, clock: Clock, ids: Ids, causation_id: str | None = None) -> Document:
    """What to push onto the document's `outbox` in the update that makes the news. Raises ValueError when too large."""
    written = write(event, source=source, clock=clock, ids=ids, causation_id=causation_id)
    return {"id": str(written.id), "type": written.type, "payload": written.payload.decode()}


async def create_outbox_index(collection: Collection) -> None:
    """The index that finds documents with unsent events, and holds no others. Raises StoreAway."""
    with store_errors():
        await collection.create_index([(f"{OUTBOX_FIELD}.id", 1)], sparse=True, name="outbox")


class DocumentRelay:
    """Runs in every worker; the holder of the lease acts. Order is kept within a document."""

    def __init__(
        self,
        collections: Sequence[Collection],
        publisher: Publishes,
        lease: Lease,
        *,
        batch: int = 500,
        poll: timedelta = timedelta(seconds=0.5),
        name: str = "mongodb",
    ) -> None:
        self._collections = collections
        self._publisher = publisher
        self._lease = lease
        self._batch = batch
        self._poll_s = poll.total_seconds()
        self._name = name
        self._woken = asyncio.Event()
        self._put_off: dict[tuple[int, Any], tuple[float, int]] = {}

    def wake(self) -> None:
        """Tells a relay in the same process that there is something to send."""
        self._woken.set()

    async def run(self) -> None:
        """Relays until cancelled. Outlives every loss of the store or the broker."""
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Exception), wait=wait_random(0.2, 1.0), before_sleep=self._log_failure
            ):
                with attempt:
                    await self._serve()
        finally:
            with suppress(Exception):
                async with asyncio.timeout(2):
                    await self._lease.release()

    async def _serve(self) -> None:
        while True:
            self._woken.clear()
            if not (await self._lease.hold() and await self._round()):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._woken.wait()

    async def _round(self) -> bool:
        """Sends one batch. True when there may be more to send at once."""
        waiting: list[Waiting[_Key]] = []
        for place, collection in enumerate(self._collections):
            waiting += await self._waiting(place, collection)
        if not waiting:
            return False
        sent = await send_in_order(self._publisher, waiting)
        await self._pull(sent)
        self._hold_back(sent)
        RELAY_SENT.labels(self._name).inc(len(sent.confirmed))
        count_failures(self._name, sent.failed.values())
        if sent.away is not None:
            RELAY_INTERRUPTED.labels(self._name).inc()
        return sent.away is None and bool(sent.confirmed)

    async def _waiting(self, place: int, collection: Collection) -> list[Waiting[_Key]]:
        now = monotonic()
        held_back = [key for (where, key), (until, _) in self._put_off.items() if where == place and until > now]
        query: Document = {f"{OUTBOX_FIELD}.id": {"$exists": True}}
        if held_back:
            query["_id"] = {"$nin": held_back}
        with store_errors():
            documents = await collection.find(query, {OUTBOX_FIELD: 1}).limit(self._batch).to_list(self._batch)
        return [
            Waiting(
                (place, document["_id"], event["id"]),
                f"{place}/{document['_id']}",
                event_message(event["id"], event["type"], event["payload"].encode()),
            )
            for document in documents
            for event in document[OUTBOX_FIELD]
        ]

    async def _pull(self, sent: Sent[_Key]) -> None:
        """Takes what is confirmed out of its documents, and the empty lists with the last of it.

        Some documents at a time, for an update of each costs the store twice as much. Nearly every list holds one event
        and goes at once.
        """
        gone: dict[int, list[tuple[Any, str]]] = defaultdict(list)
        for place, key, event_id in sent.confirmed:
            gone[place].append((key, event_id))
        for place, events in gone.items():
            for start in range(0, len(events), SLICE):
                some = events[start : start + SLICE]
                keys = list(dict.fromkeys(key for key, _ in some))
                among: Document = {"_id": {"$in": keys}}
                told: Document = {"$in": [event_id for _, event_id in some]}
                all_gone: Document = {"$unset": {OUTBOX_FIELD: ""}}
                collection = self._collections[place]
                with store_errors():
                    emptied = await collection.update_many(
                        {**among, OUTBOX_FIELD: {"$size": 1}, f"{OUTBOX_FIELD}.id": told}, all_gone
                    )
                    if emptied.modified_count < len(keys):
                        await collection.update_many(among, {"$pull": {OUTBOX_FIELD: {"id": told}}})
                        await collection.update_many({**among, OUTBOX_FIELD: {"$size": 0}}, all_gone)

    def _hold_back(self, sent: Sent[_Key]) -> None:
        """A document whose event was refused waits, longer each time; it is remembered here only, and starts anew."""
        now = monotonic()
        for place, key, _ in sent.confirmed:
            self._put_off.pop((place, key), None)
        for document, (until, _) in tuple(self._put_off.items()):
            if until + _FORGET_AFTER_S < now:
                del self._put_off[document]
        for (place, key, _), error in sent.failed.items():
            attempts = self._put_off.get((place, key), (0.0, 0))[1] + 1
            self._put_off[place, key] = (now + min(2.0**attempts, _PUT_OFF_AT_MOST_S), attempts)
            _log.warning("event refused", relay=self._name, error=error, attempts=attempts)

    def _log_failure(self, state: RetryCallState) -> None:
        RELAY_INTERRUPTED.labels(self._name).inc()
        error = state.outcome.exception() if state.outcome else None
        _log.warning("relay interrupted", relay=self._name, error=type(error).__name__)
