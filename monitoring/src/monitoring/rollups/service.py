"""Use cases of rollups: mark what a batch touched, recompute it, and read what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence, Set
from datetime import date, datetime, timedelta

from monitoring.rollups.models import (
    DAY,
    MINUTE,
    Account,
    Bucket,
    DayChange,
    DayCounted,
    DeviceHour,
    HourChange,
    Mark,
    Rollup,
    Summary,
)
from monitoring.rollups.rules import (
    account,
    add_samples,
    bounded,
    by_due_time,
    by_unit,
    combined,
    device_hours,
    floored,
    fuller,
    marks_of,
    merged,
    runs,
    together,
)
from monitoring.rollups.store import Reading, RollupStore, rollups_of, summaries_of
from monitoring.telemetry.models import Touched, day_of, midnight, moment, unpacked
from monitoring.telemetry.service import Shelves, TelemetryService
from shared.clock import Clock

_FRESH_DEVICES = 50
_FRESH_SAMPLES = 20_000
"""Of how many devices an answer is made whole by their newest samples, and how many of these it reads."""

_HOURS_AT_ONCE = 50
_READ_AT_ONCE = 4
_MINUTE_US = 60_000_000
_HOURS_A_DAY = 24


class RollupService:
    """Reads. Devices are those that the caller has found to be the organization's."""

    def __init__(self, store: RollupStore) -> None:
        self._store = store

    def summaries(
        self, unit: timedelta, uids: Sequence[str], start: datetime, end: datetime, *, metrics: Set[str] | None
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Summary]]]:
        """The minutes or hours of devices, with these metrics or all: see `RollupStore.summaries`. Raises StoreAway."""
        return self._store.summaries(unit, uids, start, end, read=summaries_of(metrics))

    async def rollups(
        self, unit: timedelta, uids: Sequence[str], start: datetime, end: datetime, *, metrics: Set[str] | None
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Rollup]]]:
        """As `summaries`, with the distribution of numbers. Raises StoreAway."""
        async for uid, at, found in self._store.summaries(unit, uids, start, end, read=rollups_of(metrics)):
            yield uid, at, {name: one for name, one in found.items() if isinstance(one, Rollup)}

    async def accounts(self, uids: Sequence[str], days: Sequence[date]) -> dict[str, Account]:
        """What became of what these devices sent on these days; without those that sent nothing. Raises StoreAway."""
        found: dict[str, list[DayCounted]] = defaultdict(list)
        async for counted in self._store.counted(uids, days):
            found[counted.device_uid].append(counted)
        return {uid: account(days) for uid, days in found.items()}


class FreshRollups:
    """Rollups, and of few devices also what is not in them yet, made of the samples themselves.

    So is what is younger than `lag`, which is how long rolling up takes, and the last day of a device that has no
    rollups in the time asked for: it may just have reported for the first time.
    """

    def __init__(self, store: RollupStore, telemetry: TelemetryService, *, clock: Clock, lag: timedelta) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._lag = lag

    def complete_until(self, uids: Sequence[str]) -> datetime | None:
        """Of what came in since then, these devices' rollups may lack some; None where samples make up for it."""
        return self._clock.now() - self._lag if len(uids) > _FRESH_DEVICES else None

    def summaries(
        self, unit: timedelta, uids: Sequence[str], start: datetime, end: datetime, *, metrics: Set[str] | None
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Summary]]]:
        """As `RollupService.summaries`. Raises StoreAway."""
        return self._whole(unit, uids, start, end, metrics=metrics, read=summaries_of(metrics))

    async def rollups(
        self, unit: timedelta, uids: Sequence[str], start: datetime, end: datetime, *, metrics: Set[str] | None
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Rollup]]]:
        """As `RollupService.rollups`. Raises StoreAway."""
        async for uid, at, found in self._whole(unit, uids, start, end, metrics=metrics, read=rollups_of(metrics)):
            yield uid, at, {name: one for name, one in found.items() if isinstance(one, Rollup)}

    async def _whole(
        self,
        unit: timedelta,
        uids: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        metrics: Set[str] | None,
        read: Reading,
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Summary]]]:
        """What is rolled up, and then, in order of device and time, what is young. An hour that is, is made of minutes.

        Of what both rollups and samples tell the greater number counts: it has seen all that the smaller has.
        """
        if self.complete_until(uids) is not None:
            async for uid, at, found in self._store.summaries(unit, uids, start, end, read=read):
                yield uid, at, found
            return
        now = self._clock.now()
        young = floored(now - self._lag, unit)
        known: set[str] = set()
        async for uid, at, found in self._store.summaries(unit, uids, start, min(young, end), read=read):
            known.add(uid)
            yield uid, at, found
        minutes: dict[tuple[str, datetime], Mapping[str, Summary]] = {}
        async for uid, at, found in self._store.summaries(MINUTE, uids, max(young, start), end, read=read):
            known.add(uid)
            minutes[uid, at] = found
        since = {uid: max(start, floored(now - self._lag, MINUTE) if uid in known else now - DAY) for uid in uids}
        for place, found in (await self._of_samples(since, end, metrics)).items():
            minutes[place] = fuller(found, minutes.get(place, {}))
        for (uid, at), parts in by_unit(minutes, unit).items():
            yield uid, at, together(parts)

    async def _of_samples(
        self, since: Mapping[str, datetime], end: datetime, metrics: Set[str] | None
    ) -> dict[tuple[str, datetime], Mapping[str, Summary]]:
        """The minutes of each device from its time in `since` on, as far as `_FRESH_SAMPLES` go."""
        asked = {uid: start for uid, start in since.items() if start < end}
        shelves: Shelves = await self._telemetry.shelves() if asked else {}
        [metric] = metrics if metrics is not None and len(metrics) == 1 else [None]
        found: dict[tuple[str, datetime], Mapping[str, Summary]] = {}
        left = _FRESH_SAMPLES
        for uid, start in asked.items():
            buckets: dict[int, Bucket] = {}
            async for page in self._telemetry.samples(uid, start, end, metric=metric, shelves=shelves):
                add_samples(buckets, page[:left])
                left -= len(page)
                if left <= 0:
                    break
            for minute, bucket in buckets.items():
                chosen = {name: one for name, one in bucket.metrics.items() if metrics is None or name in metrics}
                found[uid, moment(minute * _MINUTE_US)] = chosen
            if left <= 0:
                break
        return found


class Roller:
    """Writes. Any number may run, beside each other and in any order: see `RollupStore`."""

    def __init__(
        self, store: RollupStore, telemetry: TelemetryService, *, clock: Clock, minute_days: int, hour_days: int
    ) -> None:
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._minutes_kept = minute_days * DAY
        self._hours_kept = hour_days * DAY

    async def roll(self) -> bool:
        """Recomputes what the oldest marks name that are due; false when there may be more. Raises StoreAway.

        Marks are deleted at the end, so what was not finished is done again.
        """
        ids, marks, more = await self._store.marks(self._clock.now())
        if ids:
            await self._recompute(merged(marks))
            await self._store.delete_marks(ids)
        return not more

    async def drop_past(self) -> None:
        """Drops days of minutes and months of hours that are past their time. Raises StoreAway."""
        today = self._clock.now().date()
        for day in await self._store.days_of_minutes():
            if day < today - self._minutes_kept:
                await self._store.drop_minutes(day)
        for month in await self._store.months_of_hours():
            if month + 31 * DAY < today - self._hours_kept:
                await self._store.drop_hours(month)

    async def _recompute(self, marks: Sequence[Mark]) -> None:
        hours = device_hours(marks)
        # Marks are written after the samples, so days that are not there now hold none of what they name.
        shelves = await self._telemetry.shelves()
        changes = await self._counted(marks)
        touched = list(hours)
        for start in range(0, len(touched), _HOURS_AT_ONCE):
            part = touched[start : start + _HOURS_AT_ONCE]
            await self._recompute_hours({hour: hours[hour] for hour in part}, shelves, changes)
        await self._store.put_days(changes)

    async def _recompute_hours(
        self,
        hours: Mapping[DeviceHour, HourChange],
        shelves: Shelves,
        changes: dict[tuple[str, int], DayChange],
    ) -> None:
        """Writes minutes, then the hours that they add up to, and with them what `changes` says of the same days.

        A minute that is not there yet is made of what is told of it: what is not told is stored by somebody who will.
        One that is there, or was made meanwhile, is read from the store.
        """
        fresh: dict[DeviceHour, dict[int, Bucket]] = {}
        for hour, change in hours.items():
            fresh[hour] = _told(change)
            await asyncio.sleep(0)  # Telemetry goes on meanwhile: a minute at full speed is a second of arithmetic.
        for hour, buckets in (await self._store.create_minutes(fresh)).items():
            hours[hour].read.update(buckets)
        minutes: dict[DeviceHour, dict[int, Bucket]] = {}
        touched = [hour for hour, change in hours.items() if change.read]
        for start in range(0, len(touched), _READ_AT_ONCE):
            part = touched[start : start + _READ_AT_ONCE]
            found = await asyncio.gather(*(self._rolled_up(hour, hours[hour].read, shelves) for hour in part))
            minutes |= zip(part, found, strict=True)
        await self._store.put_minutes(minutes)
        now: dict[tuple[str, int], DayChange] = {}
        for hour, buckets in (await self._store.minutes(hours)).items():
            place = hour.device_uid, hour.hour // _HOURS_A_DAY
            if place not in now:
                now[place] = changes.pop(place, None) or DayChange()
            now[place].hours[hour.hour % _HOURS_A_DAY] = combined(buckets)
        await self._store.put_days(now)

    async def _rolled_up(self, hour: DeviceHour, minutes: Set[int], shelves: Shelves) -> dict[int, Bucket]:
        buckets: dict[int, Bucket] = {}
        for first, end in runs(minutes):
            start, stop = moment(first * _MINUTE_US), moment(end * _MINUTE_US)
            async for samples in self._telemetry.samples(hour.device_uid, start, stop, shelves=shelves):
                add_samples(buckets, samples)
        return {minute: bounded(bucket) for minute, bucket in buckets.items()}

    async def _counted(self, marks: Sequence[Mark]) -> dict[tuple[str, int], DayChange]:
        """What was counted, by device and day; undated samples that came again are counted in the store."""
        changes: dict[tuple[str, int], DayChange] = defaultdict(DayChange)
        for mark in marks:
            for process, totals in mark.counts.items():
                for day, total in totals.items():
                    changes[mark.device_uid, day].counts[process] = total
            for day in mark.recount:
                start = midnight(day_of(day))
                number = await self._telemetry.undated_between(mark.device_uid, start, start + DAY)
                changes[mark.device_uid, day].undated = number
        return dict(changes)


class MarkKeeper:
    """Keeps what batches have touched until it is recomputed, which is at the time that `by_due_time` says."""

    def __init__(self, store: RollupStore, *, clock: Clock, pace: timedelta = timedelta(0)) -> None:
        self._store = store
        self._clock = clock
        self._pace = pace

    async def follow(self, touched: Iterable[Touched]) -> None:
        """Raises StoreAway."""
        await self._store.add_marks(by_due_time(marks_of(touched), self._clock.now(), self._pace))


def _told(change: HourChange) -> dict[int, Bucket]:
    """The minutes that come of what is told of them."""
    buckets: dict[int, Bucket] = {}
    for parts in change.fresh.values():
        add_samples(buckets, unpacked(parts))
    return {minute: bounded(bucket) for minute, bucket in buckets.items()}
