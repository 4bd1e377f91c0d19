"""Every query about telemetry: one collection of samples a UTC day and retention class, and the latest of each device.

Samples have no index but `_id`, which is their key (see `models`). A server that cannot walk `_id` in order (SecantusDB
answers a range of it by reading everything) gets one more that begins with it.

The latest is one document a device. To update it for each device of each batch would cost more than storing the batch,
so a batch leaves its newest readings in a document of `latest_news`. These are gathered in one every few seconds, and
folded into the devices' documents and deleted when that has grown old or large. Who reads takes both, the news first:
what is folded in between is found in the other. News are read whole and by nobody else, so they are one value to the
store, encoded here.

A day has a collection for each class of retention. One sample may be in two of them, when it came again after its
organization's class had changed; it is read once.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Any

import msgspec
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from monitoring.telemetry.models import (
    Latest,
    News,
    PastSample,
    Reading,
    StoredSample,
    Touched,
    days,
    key_range,
    time_of,
)
from shared.contracts.telemetry import Value
from shared.mongo.bulk import insert_new, put_all
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE, by_ids
from shared.mongo.portions import fitting

UNDATED = "samples_undated"
_NEWS_AT_ONCE, _NEWS_BYTES_AT_ONCE = 200, 32 * 1024 * 1024
"""Documents of news that are folded in one go, and what they hold."""
_NEWS_A_READ = 10
_GATHERED_BYTES = 256 * 1024
"""Of news in one document that everybody who asks for the latest of a device has to read."""

_DAYS = re.compile(r"samples_([a-z]+)_(\d{8})")
_READ_MS = 10_000
_LARGE_INSERT = 500
"""Samples in one insert beside which there is no other of that size: a second would only wait for the first to end, and
it costs SecantusDB an eighth of its speed, which its threads lose to each other.
"""
_NEXT_IS_OFF_S = 0.005
"""In which the next large insert is on its way. A thread of the driver encodes it, and would wait as long for one that
works out what the last has left; the store would wait, too.
"""
_METRICS_A_PART = 1_024
_NEWS_BYTES = 7 * 1024 * 1024
"""A document holds 16 MiB: readings, and what was touched."""

Collection = AsyncIOMotorCollection[Document]


class _Named(msgspec.Struct):
    """News of a device, of which only the name is read: who asks for some devices passes over all others."""

    device_uid: str
    metrics: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_touched_decoder = msgspec.msgpack.Decoder(list[Touched])
_latest_decoder = msgspec.msgpack.Decoder(list[Latest])
_named_decoder = msgspec.msgpack.Decoder(list[_Named])
_metrics_decoder = msgspec.msgpack.Decoder(dict[str, Reading])
_NOTHING = _encoder.encode([])


class TelemetryStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._latest = database["latest"]
        self._news = database["latest_news"]
        self._walks_ids = True
        self._prepared: set[str] = set()
        self._large_insert = asyncio.Lock()

    async def prepare(self, *, undated_for: timedelta) -> None:
        """Makes what must be there before the first sample. Raises StoreAway."""
        undated = self._database[UNDATED]
        with store_errors():
            await undated.create_index(
                "received_at", expireAfterSeconds=int(undated_for.total_seconds()), name="expiry"
            )
            plan = await self._database.command("explain", {"find": UNDATED, "filter": {"_id": {"$gt": ""}}})
        self._walks_ids = "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])

    async def insert(self, samples: Sequence[StoredSample]) -> set[str]:
        """Stores what is not stored yet; returns the keys of the samples that were. Raises StoreAway."""
        days: dict[tuple[str, date | None], list[Document]] = defaultdict(list)
        for sample in samples:
            days[sample.keep, sample.day].append(_document(sample))
        duplicates: set[str] = set()
        for (keep, day), documents in days.items():
            collection = self._database[UNDATED] if day is None else await self._day(_day_name(keep, day))
            if len(documents) < _LARGE_INSERT:
                duplicates |= await insert_new(collection, documents)
                continue
            async with self._large_insert:
                duplicates |= await insert_new(collection, documents)
            await asyncio.sleep(_NEXT_IS_OFF_S)
        return duplicates

    async def receipts(self, keys: Sequence[str]) -> dict[str, datetime]:
        """When each of these undated samples first came in."""
        return {
            document["_id"]: document["received_at"]
            for document in await by_ids(self._database[UNDATED], keys, ["received_at"])
        }

    async def undated_between(self, uid: str, start: datetime, end: datetime) -> int:
        """How many undated samples of the device were first received from `start` to before `end`. Raises StoreAway."""
        query = {"_id": {"$gte": f"{uid}:", "$lt": f"{uid};"}, "received_at": {"$gte": start, "$lt": end}}
        with store_errors():
            return await self._database[UNDATED].count_documents(query)

    async def add_news(self, latest: Sequence[Latest], touched: Sequence[Touched] = ()) -> None:
        """Keeps what a batch leaves behind until it is folded. Raises StoreAway."""
        documents: list[Document] = [
            {"readings": readings, "touched": told}
            for readings, told in zip_longest(_encoded(latest), _encoded(touched), fillvalue=_NOTHING)
        ]
        if documents:
            with store_errors():
                await self._news.insert_many(documents, ordered=False)

    async def news(self) -> News:
        """The oldest news. Raises StoreAway."""
        oldest = self._news.find().sort("_id", 1).limit(_NEWS_AT_ONCE).batch_size(_NEWS_A_READ)
        documents, are_cut = await fitting(oldest, _NEWS_BYTES_AT_ONCE, _news_bytes)
        # An older release of this service kept both as one.
        both = (document.get("touched", document["readings"]) for document in documents)
        return News(
            ids=[document["_id"] for document in documents],
            latest=(one for document in documents for one in _latest_decoder.decode(document["readings"])),
            touched=(one for encoded in both for one in _touched_decoder.decode(encoded) if one.process),
            since=min((document["since"] for document in documents if "since" in document), default=None),
            more=are_cut or len(documents) == _NEWS_AT_ONCE,
        )

    async def gather(self, ids: Sequence[Any], latest: Sequence[Latest], since: datetime) -> bool:
        """Makes one document of several; false when there is more of it than readers should have to read.

        It is behind the others before they go, so who reads on meets them or it. Raises StoreAway.
        """
        encoded = _encoder.encode(latest)
        if len(encoded) > _GATHERED_BYTES:
            return False
        with store_errors():
            await self._news.insert_one({"readings": encoded, "touched": _NOTHING, "since": since})
            await self._delete_news(ids)
        return True

    async def fold(self, ids: Sequence[Any], latest: Sequence[Latest]) -> None:
        """Moves news into the devices' documents: each reading that is newer than the one there.

        `$max` compares embedded documents member by member, so the first member, the time, decides, and doing this
        twice or in two workers at once changes nothing. Of the same reading that came twice the first receipt stays,
        which is why it is kept as a negative number.
        """
        updates = [
            UpdateOne(
                {"_id": one.device_uid},
                {"$max": {f"metrics.{field}": reading for field, reading in _readings(one).items()}},
                upsert=True,
            )
            for one in latest
        ]
        if not ids:
            return
        await put_all(self._latest, updates)
        with store_errors():
            await self._delete_news(ids)

    async def latest(self, uids: Sequence[str]) -> list[Latest]:
        """What there is of these devices: several of a device perhaps, the newest reading of each metric counts."""
        with store_errors():
            documents = await self._news.find({}, ["readings"]).to_list(None)
        asked = set(uids)
        read = (one for document in documents for one in _named_decoder.decode(document["readings"]))
        news = [Latest(one.device_uid, _metrics_decoder.decode(one.metrics)) for one in read if one.device_uid in asked]
        return [*news, *(_latest(one["_id"], one["metrics"]) for one in await by_ids(self._latest, uids))]

    async def history(
        self,
        uid: str,
        start: datetime,
        end: datetime,
        *,
        metric: str | None,
        after: str | None,
        limit: int,
        shelves: Mapping[date, Sequence[str]],
    ) -> list[PastSample]:
        """The device's samples from `start` to before `end`, oldest first, beginning behind the place `after`."""
        first, last = key_range(uid, start, end)
        keys: Document = {"$gte": first, "$lt": last}
        if after is not None:
            keys = {"$gt": f"{uid}:{after}", "$lt": last}
            start = max(start, time_of(after))
        query: Document = {"_id": keys}
        if metric is not None:
            query[f"metrics.{_escape(metric)}"] = {"$exists": True}
        found: list[Document] = []
        for day in days(start, end):
            wanted = limit - len(found)
            if wanted <= 0:
                break
            of_day: dict[str, Document] = {}
            for keep in shelves.get(day, ()):
                collection = self._database[_day_name(keep, day)]
                cursor = collection.find(query).sort("_id", 1).limit(wanted).max_time_ms(_READ_MS)
                with store_errors():
                    of_day |= {document["_id"]: document for document in await cursor.to_list(wanted)}
            found += [of_day[key] for key in sorted(of_day)[:wanted]]
        return [_past(document, uid, metric) for document in found]

    async def days(self) -> list[tuple[str, date]]:
        """The classes of retention and days for which there are samples. Raises StoreAway."""
        with store_errors():
            names = await self._database.list_collection_names(filter={"name": {"$regex": "^samples_"}})
        found = [match for name in names if (match := _DAYS.fullmatch(name))]
        return sorted((match[1], datetime.strptime(match[2], "%Y%m%d").replace(tzinfo=UTC).date()) for match in found)

    async def drop(self, keep: str, day: date) -> None:
        """Drops a whole day of a class of retention. Raises StoreAway."""
        self._prepared.discard(_day_name(keep, day))
        with store_errors():
            await self._database.drop_collection(_day_name(keep, day))

    async def shelves(self) -> dict[date, list[str]]:
        """The classes of retention in which there are samples, by day. Raises StoreAway."""
        shelves: dict[date, list[str]] = defaultdict(list)
        for keep, day in await self.days():
            shelves[day].append(keep)
        return shelves

    async def _delete_news(self, ids: Sequence[Any]) -> None:
        for start in range(0, len(ids), SLICE):
            await self._news.delete_many({"_id": {"$in": list(ids[start : start + SLICE])}})

    async def _day(self, name: str) -> Collection:
        collection = self._database[name]
        if not self._walks_ids and name not in self._prepared:
            with store_errors():
                await collection.create_index([("_id", 1), ("received_at", 1)], name="in_order")
            self._prepared.add(name)
        return collection


def _day_name(keep: str, day: date) -> str:
    return f"samples_{keep}_{day:%Y%m%d}"


def _escape(metric: str) -> str:
    """A metric's name as a field's: a dot would be a path. Names hold no tilde, so this can be undone."""
    return metric.replace(".", "~") if "." in metric else metric


def _unescape(field: str) -> str:
    return field.replace("~", ".") if "~" in field else field


def _document(sample: StoredSample) -> Document:
    metrics = sample.metrics
    if "." in "".join(metrics):
        metrics = {_escape(name): value for name, value in metrics.items()}
    return {"_id": sample.key, "received_at": sample.received_at, "metrics": metrics}


def _past(document: Document, uid: str, metric: str | None) -> PastSample:
    place = document["_id"].removeprefix(f"{uid}:")
    metrics: dict[str, Value] = {_unescape(field): value for field, value in document["metrics"].items()}
    return PastSample(
        place=place,
        ts=time_of(place),
        received_at=document["received_at"],
        metrics=metrics if metric is None else {metric: metrics[metric]},
    )


def _readings(latest: Latest) -> Document:
    return {
        _escape(name): {
            "ts": reading.ts,
            "value": reading.value,
            "dated": reading.dated,
            "before": -reading.received,
        }
        for name, reading in latest.metrics.items()
    }


def _latest(uid: str, readings: Document) -> Latest:
    return Latest(uid, {_unescape(field): _reading(reading) for field, reading in readings.items()})


def _reading(document: Document) -> Reading:
    return Reading(document["ts"], document["value"], document["dated"], -document.get("before", 0))


def _news_bytes(document: Document) -> int:
    return len(document["readings"]) + len(document.get("touched", b""))


def _encoded(news: Sequence[Latest] | Sequence[Touched]) -> Iterator[bytes]:
    """In parts that a document holds, however much a device has said."""
    if not news:
        return
    encoded = _encoder.encode(news)
    if len(encoded) <= _NEWS_BYTES:
        yield encoded
    elif len(news) > 1:
        yield from _encoded(news[: len(news) // 2])
        yield from _encoded(news[len(news) // 2 :])
    else:
        yield from (_encoder.encode([part]) for part in _parts(news[0]))


def _parts(one: Latest | Touched) -> Iterator[Latest | Touched]:
    """What a batch touches of one device is far less than a document."""
    if isinstance(one, Touched):
        yield one
        return
    names = list(one.metrics)
    for start in range(0, len(names), _METRICS_A_PART):
        yield Latest(one.device_uid, {name: one.metrics[name] for name in names[start : start + _METRICS_A_PART]})
