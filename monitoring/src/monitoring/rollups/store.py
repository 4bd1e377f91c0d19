"""Every query about rollups: marks of what is to be recomputed, a device's hour of minutes, and its day of hours.

`rollups_minute_<day>` holds a document for each device and hour, `rollups_hour_<month>` one for each device and day, in
which there is also what was counted. In both a bucket is two members, `n` (number of samples, seqs) and `m` (number of
samples, metrics), under the number of its minute or hour; seqs and metrics are one value to the store, encoded here.

A minute is made where there is none. Every other write is a `$max` that compares the number of samples first. Samples
are only ever added, so of two recomputations of a bucket the one with more samples has seen all that the other has:
whoever writes late, twice or side by side with another changes nothing for the worse, without a lock. A day of raw
samples that was dropped has fewer, and takes nothing away.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
from msgspec.structs import asdict
from pymongo import UpdateOne

from monitoring.rollups.models import (
    DAY,
    HOUR,
    MINUTE,
    Bucket,
    DayChange,
    DayCounted,
    DeviceHour,
    Mark,
    Rollup,
    Seqs,
    Summary,
)
from monitoring.telemetry.models import Counts, day_of
from shared.mongo.bulk import put_all, write_all
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import SLICE, by_ids
from shared.mongo.portions import fitting

_MARKS_AT_ONCE, _MARKS_BYTES = 50, 48 * 1024 * 1024
"""Documents of marks that are taken in one go, and what they hold."""
_MARK_BYTES = 4 * 1024 * 1024
"""Of marks in a document."""
_MARKS_A_READ = 4
_AT_ONCE = 4
_MINUTES, _HOURS = "rollups_minute_", "rollups_hour_"

_encoder = msgspec.msgpack.Encoder()
_marks = msgspec.msgpack.Decoder(list[Mark])
_seqs = msgspec.msgpack.Decoder(dict[str, Seqs])
_raw = msgspec.msgpack.Decoder(dict[str, msgspec.Raw])
_rollup = msgspec.msgpack.Decoder(Rollup)
_rollups = msgspec.msgpack.Decoder(dict[str, Rollup])
_summary = msgspec.msgpack.Decoder(Summary)

Reading = Callable[[bytes], Mapping[str, Summary]]
"""Decodes the metrics of a bucket."""


class RollupStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks = database["rollup_marks"]

    async def add_marks(self, marks: Mapping[datetime, Sequence[Mark]]) -> None:
        """Keeps what is to be recomputed, by the time at which it is. Raises StoreAway."""
        documents: list[Document] = [
            {"due_at": due_at, "marks": encoded} for due_at, several in marks.items() for encoded in _encoded(several)
        ]
        if documents:
            with store_errors():
                await self._marks.insert_many(documents, ordered=False)

    async def marks(self, now: datetime) -> tuple[list[Any], Iterator[Mark], bool]:
        """The oldest marks that are due, by the ids of their documents: several of a device perhaps.

        With whether there may be more, for they are as many as fit into memory: those of a document are decoded when
        it is their turn, and take six times as much then. Raises StoreAway.
        """
        # Marks of an older release of this service have no time.
        due = self._marks.find({"due_at": {"$not": {"$gt": now}}}).sort("_id", 1).limit(_MARKS_AT_ONCE)
        documents, are_cut = await fitting(due.batch_size(_MARKS_A_READ), _MARKS_BYTES, _marks_bytes)
        marks = (mark for document in documents for mark in _marks.decode(document["marks"]))
        more = are_cut or len(documents) == _MARKS_AT_ONCE
        return [document["_id"] for document in documents], marks, more

    async def delete_marks(self, ids: Sequence[Any]) -> None:
        """Raises StoreAway."""
        with store_errors():
            for start in range(0, len(ids), SLICE):
                await self._marks.delete_many({"_id": {"$in": list(ids[start : start + SLICE])}})

    async def create_minutes(
        self, minutes: Mapping[DeviceHour, Mapping[int, Bucket]]
    ) -> dict[DeviceHour, Mapping[int, Bucket]]:
        """Writes minutes (since 1970) that are not there yet; returns those of hours of which one was.

        Raises StoreAway.
        """
        places: dict[str, list[DeviceHour]] = defaultdict(list)
        for hour, buckets in minutes.items():
            if buckets:
                places[_minutes_name(hour.start.date())].append(hour)
        there: dict[DeviceHour, Mapping[int, Bucket]] = {}
        for name, hours in places.items():
            updates = [_creation(hour, minutes[hour]) for hour in hours]
            refused = (await write_all(self._database[name], updates)).refused
            there |= {hours[index]: minutes[hours[index]] for index in refused}
        return there

    async def put_minutes(self, minutes: Mapping[DeviceHour, Mapping[int, Bucket]]) -> None:
        """Takes over minutes (since 1970) of devices' hours, as far as they have seen more. Raises StoreAway."""
        writes: dict[str, list[UpdateOne]] = defaultdict(list)
        for hour, buckets in minutes.items():
            greater: Document = {}
            for minute, bucket in buckets.items():
                greater |= _members(minute % 60, bucket)
            if greater:
                writes[_minutes_name(hour.start.date())].append(
                    UpdateOne({"_id": _hour_id(hour.device_uid, hour.start)}, {"$max": greater}, upsert=True)
                )
        await self._write(writes)

    async def minutes(self, hours: Iterable[DeviceHour]) -> dict[DeviceHour, list[Bucket]]:
        """The minutes of these hours of devices, in order. Raises StoreAway."""
        wanted: dict[str, dict[str, DeviceHour]] = defaultdict(dict)
        for hour in hours:
            wanted[_minutes_name(hour.start.date())][_hour_id(hour.device_uid, hour.start)] = hour
        found: dict[DeviceHour, list[Bucket]] = {}
        for name, by_id in wanted.items():
            for document in await by_ids(self._database[name], list(by_id)):
                found[by_id[document["_id"]]] = [_bucket(document, minute) for minute in sorted(document["m"])]
        return found

    async def put_days(self, changes: Mapping[tuple[str, int], DayChange]) -> None:
        """Takes over what has become of devices' days (since 1970), as far as it has seen more. Raises StoreAway."""
        writes: dict[str, list[UpdateOne]] = defaultdict(list)
        for (uid, number), change in changes.items():
            day = day_of(number)
            greater: Document = {f"by.{process}": asdict(counts) for process, counts in change.counts.items()}
            for hour, bucket in change.hours.items():
                greater |= _members(hour, bucket)
            if change.undated is not None:
                greater["undated"] = change.undated
            writes[_hours_name(day)].append(UpdateOne({"_id": _day_id(uid, day)}, {"$max": greater}, upsert=True))
        await self._write(writes)

    async def counted(self, uids: Sequence[str], days: Sequence[date]) -> AsyncIterator[DayCounted]:
        """What is known of the numbers of samples of these devices and days. Raises StoreAway."""
        wanted: dict[str, list[str]] = defaultdict(list)
        for uid in uids:
            for day in days:
                wanted[_hours_name(day)].append(_day_id(uid, day))
        async for document in self._documents(wanted, ["n", "by", "undated"]):
            hours = document.get("n", {}).values()
            yield DayCounted(
                device_uid=_place(document)[0],
                dated=sum(hour["n"] for hour in hours),
                boots=[_seqs.decode(hour["s"]) for hour in hours],
                undated=document.get("undated", 0),
                counts=[Counts(**counts) for counts in document.get("by", {}).values()],
            )

    async def summaries(
        self, unit: timedelta, uids: Sequence[str], start: datetime, end: datetime, *, read: Reading
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Summary]]]:
        """The minutes or hours of these devices from `start` to before `end`: uid, beginning and metrics of each.

        The minutes of a device's hour come together and in order, and so do the hours of its day. Raises StoreAway.
        """
        whole, name_of, id_of = (HOUR, _minutes_name, _hour_id) if unit == MINUTE else (DAY, _hours_name, _day_id)
        places = list(_wholes(start, end, whole))
        wanted: dict[str, list[str]] = defaultdict(list)
        for uid in uids:
            for place in places:
                wanted[name_of(place)].append(id_of(uid, place))
        async for document in self._documents(wanted, ["m"]):
            uid, begins = _place(document)
            for number, bucket in sorted(document.get("m", {}).items()):
                at = begins + int(number) * unit
                if start <= at < end:
                    yield uid, at, read(bucket["b"])

    async def days_of_minutes(self) -> list[date]:
        """The days for which there are minutes. Raises StoreAway."""
        return [_day(name.removeprefix(_MINUTES)).date() for name in await self._names(_MINUTES)]

    async def months_of_hours(self) -> list[date]:
        """The first days of the months for which there are hours. Raises StoreAway."""
        return [_day(name.removeprefix(_HOURS) + "01").date() for name in await self._names(_HOURS)]

    async def drop_minutes(self, day: date) -> None:
        """Raises StoreAway."""
        with store_errors():
            await self._database.drop_collection(_minutes_name(day))

    async def drop_hours(self, month: date) -> None:
        """Raises StoreAway."""
        with store_errors():
            await self._database.drop_collection(_hours_name(month))

    async def _names(self, prefix: str) -> list[str]:
        with store_errors():
            return sorted(await self._database.list_collection_names(filter={"name": {"$regex": f"^{prefix}"}}))

    async def _documents(self, wanted: Mapping[str, Sequence[str]], fields: Sequence[str]) -> AsyncIterator[Document]:
        for name, ids in wanted.items():
            collection = self._database[name]
            for start in range(0, len(ids), SLICE * _AT_ONCE):
                slices = [ids[at : at + SLICE] for at in range(start, min(start + SLICE * _AT_ONCE, len(ids)), SLICE)]
                found = await asyncio.gather(*(by_ids(collection, part, fields) for part in slices))
                for document in sorted(chain.from_iterable(found), key=itemgetter("_id")):
                    yield document

    async def _write(self, writes: Mapping[str, Sequence[UpdateOne]]) -> None:
        for name, updates in writes.items():
            await put_all(self._database[name], updates)


def summaries_of(metrics: Set[str] | None) -> Reading:
    """Reads these metrics, or all of them, without their distribution."""
    return partial(_read, metrics=metrics, decode=_summary.decode)


def rollups_of(metrics: Set[str] | None) -> Reading:
    """Reads these metrics, or all of them, as rollups."""
    return partial(_read, metrics=metrics, decode=_rollup.decode)


def _read(data: bytes, *, metrics: Set[str] | None, decode: Callable[[msgspec.Raw], Summary]) -> dict[str, Summary]:
    found = _raw.decode(data)
    return {name: decode(one) for name, one in found.items() if metrics is None or name in metrics}


def _marks_bytes(document: Document) -> int:
    return len(document["marks"])


def _creation(hour: DeviceHour, minutes: Mapping[int, Bucket]) -> UpdateOne:
    """Meets the document's key when it has one of these minutes."""
    absent: Document = {f"m.{minute % 60:02}": {"$exists": False} for minute in minutes}
    members: Document = {}
    for minute, bucket in minutes.items():
        members |= _members(minute % 60, bucket)
    return UpdateOne({"_id": _hour_id(hour.device_uid, hour.start), **absent}, {"$set": members}, upsert=True)


def _encoded(marks: Sequence[Mark]) -> Iterator[bytes]:
    """In parts that a document holds."""
    encoded = _encoder.encode(marks)
    if len(encoded) <= _MARK_BYTES or len(marks) == 1:
        yield encoded
    else:
        yield from _encoded(marks[: len(marks) // 2])
        yield from _encoded(marks[len(marks) // 2 :])


def _members(number: int, bucket: Bucket) -> Document:
    """The members of a document for the bucket of this number: how often its samples came first, for `$max`."""
    return {
        f"n.{number:02}": {"n": bucket.samples, "s": _encoder.encode(bucket.boots)},
        f"m.{number:02}": {"n": bucket.samples, "b": _encoder.encode(bucket.metrics)},
    }


def _bucket(document: Document, number: str) -> Bucket:
    seqs, metrics = document["n"][number], document["m"][number]
    return Bucket(metrics["n"], _seqs.decode(seqs["s"]), _rollups.decode(metrics["b"]))


def _minutes_name(at: date) -> str:
    return f"{_MINUTES}{at:%Y%m%d}"


def _hours_name(at: date) -> str:
    return f"{_HOURS}{at:%Y%m}"


def _hour_id(uid: str, at: datetime) -> str:
    return f"{uid}:{at:%Y%m%d%H}"


def _day_id(uid: str, at: date) -> str:
    return f"{uid}:{at:%Y%m%d}"


def _place(document: Document) -> tuple[str, datetime]:
    """The device of a document, and where its hour or day begins."""
    uid, _, digits = document["_id"].partition(":")
    return uid, _day(digits)


@lru_cache(maxsize=4_096)
def _day(digits: str) -> datetime:
    """The hour or day of `YYYYMMDDHH` or `YYYYMMDD`."""
    return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), int(digits[8:] or 0), tzinfo=UTC)


def _wholes(start: datetime, end: datetime, whole: timedelta) -> Iterator[datetime]:
    """The hours or days that the time from `start` to before `end` touches."""
    at = datetime.fromtimestamp(start.timestamp() // whole.total_seconds() * whole.total_seconds(), UTC)
    while at < end:
        yield at
        at += whole
