"""How samples become minutes, minutes hours, and what was counted an account. Pure."""

from collections.abc import Iterable, Sequence

from monitoring.rollups.models import (
    MAX_BOOTS,
    MAX_METRICS,
    Account,
    Bucket,
    DayCounted,
    DeviceHour,
    Mark,
    Rollup,
    Seqs,
)
from monitoring.telemetry.models import Counts, News, PastSample, micros

_MINUTE_US = 60_000_000


def marks_of(news: Iterable[News]) -> list[Mark]:
    """One for each device that batches have touched or counted."""
    marks = (Mark(one.device_uid, one.minutes, one.recount, {one.process: one.counts}) for one in news if one.process)
    return merged(marks)


def merged(marks: Iterable[Mark]) -> list[Mark]:
    """One for each device; of two totals of a process the greater, which is the later."""
    minutes: dict[str, set[int]] = {}
    recount: dict[str, set[int]] = {}
    counts: dict[str, dict[str, dict[int, Counts]]] = {}
    for mark in marks:
        minutes.setdefault(mark.device_uid, set()).update(mark.minutes)
        recount.setdefault(mark.device_uid, set()).update(mark.recount)
        known = counts.setdefault(mark.device_uid, {})
        for process, by_day in mark.counts.items():
            totals = known.setdefault(process, {})
            for day, total in by_day.items():
                totals[day] = max(totals.get(day, total), total, key=order_of)
    return [
        Mark(uid, tuple(sorted(touched)), tuple(sorted(recount[uid])), counts[uid]) for uid, touched in minutes.items()
    ]


def order_of(counts: Counts) -> tuple[int, ...]:
    """Totals of one process never shrink, so this says which of two is the later; the store compares them so too."""
    return (counts.received, counts.expired, counts.undated, counts.messages, counts.dead)


def device_hours(marks: Iterable[Mark]) -> dict[DeviceHour, list[int]]:
    """The touched minutes by the document that they are in, in order."""
    found: dict[DeviceHour, list[int]] = {}
    for mark in marks:
        for minute in mark.minutes:
            found.setdefault(DeviceHour(mark.device_uid, minute // 60), []).append(minute)
    return dict(sorted(found.items()))


def runs(minutes: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending minutes as ranges: the first and the one behind the last."""
    found: list[tuple[int, int]] = []
    for minute in minutes:
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
