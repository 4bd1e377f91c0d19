"""Use cases of telemetry: record what arrives, read what was recorded."""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from msgspec.structs import replace

from monitoring.fleet.service import FleetService, uid_in
from monitoring.organizations.models import Retention
from monitoring.organizations.service import OrganizationService
from monitoring.telemetry.cache import Totals
from monitoring.telemetry.errors import BadTimeRange
from monitoring.telemetry.models import (
    Arrival,
    Latest,
    PastSample,
    Reading,
    Recorded,
    StoredSample,
    Touched,
    micros,
    moment,
    time_of,
)
from monitoring.telemetry.rules import counted, is_past, merged, newest, place, readable, touched_by
from monitoring.telemetry.schemas import LatestRead, ReadingRead, SampleRead
from monitoring.telemetry.store import TelemetryStore
from shared.clock import Clock
from shared.contracts.telemetry import Value
from shared.http.pagination import BadCursor, Page, decode_cursor, page_of

_SAMPLES_AT_ONCE = 2_000
_SMALL_BATCH = 50
"""Samples that are stored in less time than news of them would take."""
_PLACE = re.compile(r"[0-9a-f]{16}:[A-Za-z0-9_-]{0,64}:[0-9a-z-]{1,64}")


Shelves = Mapping[date, Sequence[str]]
"""The classes of retention in which there are samples, by day."""


Show = Callable[[Sequence[Latest]], None]


class Follower(Protocol):
    """Whoever makes more of what batches leave behind."""

    async def follow(self, touched: Iterable[Touched]) -> None:
        """Keeps what it needs of it, for it is about to be deleted. The same may come again."""
        ...


class TelemetryService:
    def __init__(
        self,
        store: TelemetryStore,
        fleet: FleetService,
        organizations: OrganizationService,
        *,
        clock: Clock,
        follower: Follower | None = None,
        gather_for: timedelta = timedelta(0),
    ) -> None:
        """`gather_for` is how long news of the latest are gathered before they are folded into devices' documents."""
        self._store = store
        self._fleet = fleet
        self._organizations = organizations
        self._clock = clock
        self._follower = follower
        self._gather_for = gather_for
        self._totals = Totals()

    async def record(
        self,
        arrivals: Sequence[Arrival],
        *,
        show: Show | None = None,
        messages: Mapping[str, int] | None = None,
        dead: Mapping[str, int] | None = None,
    ) -> Recorded:
        """Stores the samples, then what they leave behind. Recording them again changes nothing but what is counted.

        `show` is handed the newest readings as soon as `latest` has them. Of a large batch the dated ones are told
        before the samples are stored, which takes many times as long; an undated one waits, for it may have come
        before. Of a small batch all is told at once, when it is stored.

        `messages` says how many messages came of each device, `dead` how many of them were poison. Raises StoreAway;
        part of the samples may be stored then, and the same call again stores the rest.
        """
        retentions = await self._retentions({arrival.device_uid for arrival in arrivals})
        placed = [place(arrival, retentions[arrival.device_uid]) for arrival in arrivals]
        samples = list({sample.key: sample for sample in placed if sample is not None}.values())
        dated = newest([sample for sample in samples if sample.day is not None])
        waiting = dated if len(samples) <= _SMALL_BATCH else []
        if not waiting:
            await self._store.add_news(dated)
            if show is not None:
                show(dated)
        duplicates = await self._store.insert(samples) if samples else set[str]()
        samples = await self._as_first_received(samples, duplicates)
        stored = [sample for sample in samples if sample.key not in duplicates]
        undated = newest([sample for sample in samples if sample.day is None])
        counts = counted(
            arrivals,
            placed,
            {sample.key: sample for sample in samples},
            stored,
            messages=messages or {},
            dead=dead or {},
            today=self._clock.now().date(),
        )
        process, totals = self._totals.add(counts)
        try:
            await self._store.add_news([*waiting, *undated], touched_by(samples, duplicates, process, totals))
        except BaseException:
            self._totals.take_back(process, counts)
            raise
        if show is not None:
            show([*waiting, *undated])
        expired = placed.count(None)
        return Recorded(
            stored=len(stored),
            duplicate=len(placed) - expired - len(stored),
            undated=sum(sample.day is None for sample in stored),
            expired=expired,
            latest=merged([*dated, *undated]) if undated else dated,
        )

    async def latest(
        self, organization_id: int, *, uid: str | None = None, cursor: str | None = None, limit: int
    ) -> Page[LatestRead]:
        """The devices that have reported, by uid; with `uid` that one alone. Raises DeviceNotFound and BadCursor."""
        if uid is not None:
            await self._fleet.get(organization_id, uid)
            return Page(items=await self.latest_among([uid]))
        found: list[LatestRead] = []
        async for uids in self._fleet.pages(organization_id, after=uid_in(cursor)):
            found += await self.latest_among(uids)
            if len(found) > limit:
                break
        items, following = page_of(found, limit, lambda latest: (latest.device_uid,))
        return Page(items=list(items), next=following)

    async def latest_among(self, uids: Sequence[str]) -> list[LatestRead]:
        """Of devices that the caller has found to be the organization's, those that have reported, in that order."""
        found = {latest.device_uid: latest for latest in merged(await self._store.latest(uids))}
        return [_latest_read(found[uid]) for uid in uids if uid in found]

    async def readings(self, uids: Sequence[str]) -> dict[str, Mapping[str, Reading]]:
        """The newest reading of every metric of each of these devices that has reported. Raises StoreAway."""
        return {one.device_uid: one.metrics for one in merged(await self._store.latest(uids))}

    async def first_between(
        self, uid: str, metric: str, start: datetime, end: datetime, *, shelves: Shelves
    ) -> Value | None:
        """The device's oldest value of the metric from `start` to before `end`, by its own clock. Raises StoreAway."""
        found = await self._store.history(uid, start, end, metric=metric, after=None, limit=1, shelves=shelves)
        return found[0].metrics[metric] if found else None

    async def history(
        self,
        organization_id: int,
        uid: str,
        *,
        metric: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        cursor: str | None = None,
        limit: int,
    ) -> Page[SampleRead]:
        """The device's samples from `start` to before `end`, oldest first.

        Raises DeviceNotFound, BadTimeRange and BadCursor.
        """
        if start is not None and end is not None and start >= end:
            raise BadTimeRange
        after = _place_in(cursor)
        await self._fleet.get(organization_id, uid)
        first, last = await self._readable(organization_id, start, end)
        shelves = await self._store.shelves()
        found = await self._store.history(
            uid, first, last, metric=metric, after=after, limit=limit + 1, shelves=shelves
        )
        items, following = page_of(found, limit, lambda sample: (sample.place,))
        return Page(items=[_sample_read(sample) for sample in items], next=following)

    async def shelves(self) -> Shelves:
        """Where samples lie at present. Raises StoreAway."""
        return await self._store.shelves()

    async def samples(
        self, uid: str, start: datetime, end: datetime, *, metric: str | None = None, shelves: Shelves
    ) -> AsyncIterator[list[PastSample]]:
        """All dated samples of a device from `start` to before `end`, oldest first, some at a time.

        Of a device that the caller has found to be the organization's, as far back as it is kept. Raises StoreAway.
        """
        after: str | None = None
        while True:
            page = await self._store.history(
                uid, start, end, metric=metric, after=after, limit=_SAMPLES_AT_ONCE, shelves=shelves
            )
            if page:
                yield page
            if len(page) < _SAMPLES_AT_ONCE:
                return
            after = page[-1].place

    async def undated_between(self, uid: str, start: datetime, end: datetime) -> int:
        """How many undated samples of a device were first received in that time. Raises StoreAway."""
        return await self._store.undated_between(uid, start, end)

    async def fold_news(self) -> None:
        """Moves what past batches have left behind to where it belongs, until it has caught up.

        The latest are gathered first: to update a device's document costs as much as storing several samples.
        """
        behind = True
        while behind:
            news = await self._store.news()
            behind = news.more
            if self._follower is not None:
                await self._follower.follow(news.touched)
            now = self._clock.now()
            since = news.since or now
            may_wait = not news.more and now - since < self._gather_for
            if may_wait and news.is_gathered:
                return
            latest = merged(news.latest)
            if not (may_wait and latest and await self._store.gather(news.ids, latest, since)):
                await self._store.fold(news.ids, latest)

    async def drop_past(self) -> None:
        """Drops the days that nobody can read any more."""
        now = self._clock.now()
        for keep, day in await self._store.days():
            retention = self._organizations.retentions.get(keep)
            if retention is not None and is_past(day, now=now, retention_days=retention.days):
                await self._store.drop(keep, day)

    async def _readable(
        self, organization_id: int, start: datetime | None, end: datetime | None
    ) -> tuple[datetime, datetime]:
        retention = await self._organizations.retention(organization_id)
        return readable(start, end, now=self._clock.now(), retention_days=retention.days)

    async def _retentions(self, uids: set[str]) -> dict[str, Retention]:
        organizations = await self._fleet.organizations(uids)
        known, standard = await self._organizations.known_retentions(), self._organizations.standard
        return {uid: known.get(organizations.get(uid, 0), standard) for uid in uids}

    async def _as_first_received(self, samples: list[StoredSample], duplicates: set[str]) -> list[StoredSample]:
        """An undated sample that comes again keeps the time of its first receipt, or it would look newer each time."""
        again = [sample.key for sample in samples if sample.day is None and sample.key in duplicates]
        if not again:
            return samples
        receipts = await self._store.receipts(again)
        return [
            replace(sample, received_at=receipts[sample.key], ts=micros(receipts[sample.key]))
            if sample.key in receipts
            else sample
            for sample in samples
        ]


def _latest_read(latest: Latest) -> LatestRead:
    readings = {
        name: ReadingRead(value=reading.value, ts=moment(reading.ts), dated=reading.dated)
        for name, reading in latest.metrics.items()
    }
    newest_ts = max(reading.ts for reading in readings.values())
    return LatestRead(device_uid=latest.device_uid, ts=newest_ts, metrics=readings)


def _sample_read(sample: PastSample) -> SampleRead:
    return SampleRead(ts=sample.ts, received_at=sample.received_at, metrics=dict(sample.metrics))


def _place_in(cursor: str | None) -> str | None:
    """Raises BadCursor."""
    if cursor is None:
        return None
    [place] = decode_cursor(cursor, str)
    if not _PLACE.fullmatch(place):
        raise BadCursor
    try:
        time_of(place)
    except OverflowError:
        raise BadCursor from None
    return place
