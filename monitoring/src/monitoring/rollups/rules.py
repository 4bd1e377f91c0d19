"""How samples become minutes, minutes hours, and what was counted an account. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from monitoring.rollups.models import (
    MAX_BOOTS,
    MAX_METRICS,
    Account,
    Bucket,
    DayCounted,
    DeviceHour,
    HourChange,
    Mark,
    Rollup,
    Seqs,
    Summary,
)
from monitoring.telemetry.models import Counts, PastSample, Touched, micros, moment

_MINUTE_US = 60_000_000


def marks_of(touched: Iterable[Touched]) -> list[Mark]:
    """One for each device that batches have touched or counted."""
    return merged(
        Mark(
            device_uid=one.device_uid,
            minutes=one.minutes,
            recount=one.recount,
            counts={one.process: one.counts},
            fresh={minute: (told,) for minute, told in one.fresh.items()},
        )
        for one in touched
    )


def by_due_time(marks: Iterable[Mark], now: datetime, pace: timedelta) -> dict[datetime, list[Mark]]:
    """The marks by the time at which they are to be rolled up, new minutes each by their own: when it has been over for
    a quarter of `pace`, and at the latest after twice `pace`. A minute that is rolled up once, from all that is told of
    it, need not be read from the store. What was counted goes with the last, so that nothing is counted before its
    samples are.
    """
    found: dict[datetime, list[Mark]] = {}
    for mark in marks:
        parts: dict[datetime, dict[int, tuple[bytes, ...]]] = {}
        for minute, told in mark.fresh.items():
            over = moment((minute + 1) * _MINUTE_US) + pace / 4
            parts.setdefault(max(now, min(over, now + 2 * pace)), {})[minute] = told
        last = max(parts, default=now)
        for due_at, fresh in parts.items():
            if due_at != last:
                found.setdefault(due_at, []).append(Mark(mark.device_uid, fresh=fresh))
        found.setdefault(last, []).append(replace(mark, fresh=parts.get(last, {})))
    return found


def merged(marks: Iterable[Mark]) -> list[Mark]:
    """One for each device; of two totals of a process the greater, which is the later."""
    minutes: dict[str, set[int]] = {}
    recount: dict[str, set[int]] = {}
    counts: dict[str, dict[str, dict[int, Counts]]] = {}
    fresh: dict[str, dict[int, tuple[bytes, ...]]] = {}
    for mark in marks:
        minutes.setdefault(mark.device_uid, set()).update(mark.minutes)
        recount.setdefault(mark.device_uid, set()).update(mark.recount)
        known = counts.setdefault(mark.device_uid, {})
        for process, by_day in mark.counts.items():
            totals = known.setdefault(process, {})
            for day, total in by_day.items():
                totals[day] = max(totals.get(day, total), total, key=order_of)
        told = fresh.setdefault(mark.device_uid, {})
        for minute, parts in mark.fresh.items():
            told[minute] = told.get(minute, ()) + parts
    return [
        Mark(uid, tuple(sorted(touched)), tuple(sorted(recount[uid])), counts[uid], fresh[uid])
        for uid, touched in minutes.items()
    ]


def order_of(counts: Counts) -> tuple[int, ...]:
    """Totals of one process never shrink, so this says which of two is the later; the store compares them so too."""
    return (counts.received, counts.expired, counts.undated, counts.messages, counts.dead)


def device_hours(marks: Iterable[Mark]) -> dict[DeviceHour, HourChange]:
    """The touched minutes by the document that they are in, in order. A minute that is to be read is so altogether."""
    found: dict[DeviceHour, HourChange] = defaultdict(HourChange)
    for mark in marks:
        for minute in mark.minutes:
            found[DeviceHour(mark.device_uid, minute // 60)].read.add(minute)
        for minute, told in mark.fresh.items():
            if minute not in mark.minutes:
                found[DeviceHour(mark.device_uid, minute // 60)].fresh[minute] = told
    return dict(sorted(found.items()))


def runs(minutes: Iterable[int]) -> list[tuple[int, int]]:
    """Minutes as ranges: the first and the one behind the last."""
    found: list[tuple[int, int]] = []
    for minute in sorted(minutes):
        if found and found[-1][1] == minute:
            found[-1] = (found[-1][0], minute + 1)
        else:
            found.append((minute, minute + 1))
    return found


def add_samples(buckets: dict[int, Bucket], samples: Iterable[PastSample]) -> None:
    """Adds samples, in the order of their keys, to the buckets of their minutes since 1970."""
    for sample in samples:
        ts = micros(sample.ts)
        bucket = buckets.setdefault(ts // _MINUTE_US, Bucket())
        bucket.samples += 1
        for name, value in sample.metrics.items():
            rollup = bucket.metrics.get(name)
            if rollup is None:
                rollup = bucket.metrics[name] = Rollup()
            rollup.add(ts, value)
        if (numbered := sample.boot_and_seq) is not None:
            boot, seq = numbered
            _add_seqs(bucket.boots, boot, Seqs(1, seq, seq))


def bounded(bucket: Bucket) -> Bucket:
    """Without what a document has no room for: metrics and boots past their limits, by name."""
    if len(bucket.metrics) > MAX_METRICS:
        bucket.metrics = {name: bucket.metrics[name] for name in sorted(bucket.metrics)[:MAX_METRICS]}
    if len(bucket.boots) > MAX_BOOTS:
        bucket.boots = {boot: bucket.boots[boot] for boot in sorted(bucket.boots)[:MAX_BOOTS]}
    return bucket


def combined(buckets: Iterable[Bucket]) -> Bucket:
    """Buckets of one device, in the order of their times, as one. The parts are used up."""
    whole = Bucket()
    for bucket in buckets:
        whole.samples += bucket.samples
        for name, rollup in bucket.metrics.items():
            known = whole.metrics.get(name)
            if known is None:
                whole.metrics[name] = rollup
            else:
                known.absorb(rollup)
        for boot, seqs in bucket.boots.items():
            _add_seqs(whole.boots, boot, seqs)
    return bounded(whole)


def floored(at: datetime, unit: timedelta) -> datetime:
    """The beginning of the minute, hour or day in which `at` lies."""
    return datetime.fromtimestamp(at.timestamp() // unit.total_seconds() * unit.total_seconds(), UTC)


def fuller(one: Mapping[str, Summary], other: Mapping[str, Summary]) -> dict[str, Summary]:
    """Two accounts of one bucket as one: of each metric that which has seen more of it."""
    more = {name: summary for name, summary in other.items() if name not in one or summary.count > one[name].count}
    return {**one, **more}


def by_unit(
    minutes: Mapping[tuple[str, datetime], Mapping[str, Summary]], unit: timedelta
) -> dict[tuple[str, datetime], list[Mapping[str, Summary]]]:
    """The minutes of devices by device and the beginning of the unit that they are in, in order."""
    found: dict[tuple[str, datetime], list[Mapping[str, Summary]]] = {}
    for uid, at in sorted(minutes):
        found.setdefault((uid, floored(at, unit)), []).append(minutes[uid, at])
    return found


def together(parts: Iterable[Mapping[str, Summary]]) -> dict[str, Summary]:
    """The metrics of consecutive buckets as those of one. The parts are used up."""
    whole: dict[str, Summary] = {}
    for part in parts:
        for name, summary in part.items():
            known = whole.get(name)
            if known is None:
                whole[name] = summary
            elif isinstance(known, Rollup) and isinstance(summary, Rollup):
                known.absorb(summary)
            else:
                known.merge(summary)
    return whole


def account(days: Iterable[DayCounted]) -> Account:
    """What was counted of a device on some days, set against what is in the store.

    It is the store that says what is stored. Never is less received than there is and was expired.
    """
    total, dated, undated = Counts(), 0, 0
    boots: dict[str, Seqs] = {}
    for day in days:
        counts = sum(day.counts, Counts())
        total += counts
        dated += day.dated
        undated += max(day.undated, counts.undated)
        for of_hour in day.boots:
            for boot, seqs in of_hour.items():
                _add_seqs(boots, boot, seqs)
    stored = dated + undated
    received = max(total.received, stored + total.expired)
    return Account(
        messages=total.messages,
        received=received,
        stored=stored,
        undated=undated,
        duplicate=received - stored - total.expired,
        expired=total.expired,
        dead=total.dead,
        gaps=sum(seqs.missing for seqs in boots.values()),
    )


def _add_seqs(boots: dict[str, Seqs], boot: str, seqs: Seqs) -> None:
    known = boots.get(boot)
    if known is None:
        boots[boot] = seqs
    else:
        known.merge(seqs)
