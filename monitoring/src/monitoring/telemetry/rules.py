"""Where a sample lies, what identifies it, what a batch leaves behind, and what can be read. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, datetime
from hashlib import sha256

import msgspec

from monitoring.organizations.models import Retention
from monitoring.telemetry.models import (
    DAY,
    Arrival,
    Counts,
    Latest,
    Reading,
    StoredSample,
    Touched,
    day_number,
    day_of,
    micros,
    midnight,
    packed,
    sample_key,
)
from shared.contracts.telemetry import TelemetrySample, Value

_canonical = msgspec.json.Encoder(order="deterministic")

_MINUTE_US = 60_000_000
_DAY_US = 1_440 * _MINUTE_US
_HASH_DIGITS = 8


def place(arrival: Arrival, retention: Retention) -> StoredSample | None:
    """Where the sample goes; None when its day is past the retention. The same sample always gets the same key.

    A sample lies in the day of the device's time, unless that is missing or later than tomorrow (by the server's
    clock): then nothing can be said about its time, and it is undated.
    """
    sample, received_at = arrival.sample, arrival.received_at
    at, received = sample.micros(), micros(received_at)
    today = received // _DAY_US
    number = None if at is None else at // _DAY_US
    if number is not None and number < today - retention.days:
        return None
    is_dated = number is not None and number <= today + 1
    return StoredSample(
        key=sample_key(arrival.device_uid, at, sample.boot or "", _last_part(sample, arrival.origin)),
        device_uid=arrival.device_uid,
        keep=retention.name,
        day=day_of(number) if number is not None and is_dated else None,
        received_at=received_at,
        metrics=sample.metrics,
        ts=at if at is not None and is_dated else received,
    )


def readable(
    start: datetime | None, end: datetime | None, *, now: datetime, retention_days: int
) -> tuple[datetime, datetime]:
    """The range asked for, cut to what is kept: from `retention_days` before today to the end of tomorrow."""
    first, last = midnight(now.date() - retention_days * DAY), midnight(now.date() + 2 * DAY)
    return max(start or first, first), min(end or last, last)


def is_past(day: date, *, now: datetime, retention_days: int) -> bool:
    """Whether a whole day can be dropped: a day later than the last moment at which samples of it were taken in."""
    return day < now.date() - (retention_days + 1) * DAY


def newest(samples: Sequence[StoredSample]) -> list[Latest]:
    """The newest reading of every metric of each device, whatever their order."""
    found: dict[str, dict[str, Reading]] = {}
    # Mostly the last to come is the newest, and then nothing before it makes a reading.
    for sample in reversed(samples):
        readings = found.setdefault(sample.device_uid, {})
        received = micros(sample.received_at)
        for name, value in sample.metrics.items():
            before = readings.get(name)
            if before is None or _is_newer(sample.ts, value, before):
                readings[name] = Reading(sample.ts, value, sample.day is not None, received)
    return [Latest(uid, readings) for uid, readings in found.items()]


def merged(parts: Iterable[Latest]) -> list[Latest]:
    """One for each device that has readings, with the newest of every metric."""
    found: dict[str, dict[str, Reading]] = {}
    for part in parts:
        if not part.metrics:
            continue
        readings = found.setdefault(part.device_uid, {})
        for name, reading in part.metrics.items():
            before = readings.get(name)
            if before is None or _is_newer(reading.ts, reading.value, before):
                readings[name] = reading
    return [Latest(uid, readings) for uid, readings in found.items()]


def counted(
    arrivals: Sequence[Arrival],
    placed: Sequence[StoredSample | None],
    samples: Mapping[str, StoredSample],
    stored: Iterable[StoredSample],
    *,
    messages: Mapping[str, int],
    dead: Mapping[str, int],
    today: date,
) -> dict[tuple[str, int], Counts]:
    """What is to be counted of a batch, by device and day: see `Counts`.

    `placed` are the samples as they came, `samples` the same by their keys as they are known, `stored` those of them
    that were not there before; `messages` and `dead` are messages by device.
    """
    now = day_number(today)
    received: Counter[tuple[str, int]] = Counter()
    expired: Counter[tuple[str, int]] = Counter()
    for arrival, one in zip(arrivals, placed, strict=True):
        if one is None:
            expired[arrival.device_uid, now] += 1
        else:
            ts = one.ts if one.day is not None else samples[one.key].ts
            received[one.device_uid, ts // _DAY_US] += 1
    undated = Counter((one.device_uid, one.ts // _DAY_US) for one in stored if one.day is None)
    taken = {(uid, now): number for uid, number in messages.items()}
    refused = {(uid, now): number for uid, number in dead.items()}
    return {
        place: Counts(
            received=received[place] + expired[place],
            expired=expired[place],
            undated=undated[place],
            messages=taken.get(place, 0),
            dead=refused.get(place, 0),
        )
        for place in {*received, *expired, *taken}
    }


def touched_by(
    samples: Iterable[StoredSample],
    duplicates: Set[str],
    process: str,
    totals: Mapping[tuple[str, int], Counts],
    *,
    room: int = 1024 * 1024,
) -> list[Touched]:
    """What a batch has changed of each device. Of samples that came again only the minute is told: they may have been
    stored by somebody who died before saying so. New ones are told themselves, as far as `room` bytes hold them.
    """
    minutes: dict[str, set[int]] = {}
    recount: dict[str, set[int]] = {}
    new: dict[tuple[str, int], list[StoredSample]] = {}
    for sample in samples:
        minute = sample.ts // _MINUTE_US
        if sample.key not in duplicates:
            if sample.day is not None:
                new.setdefault((sample.device_uid, minute), []).append(sample)
        elif sample.day is not None:
            minutes.setdefault(sample.device_uid, set()).add(minute)
        else:
            recount.setdefault(sample.device_uid, set()).add(sample.ts // _DAY_US)
    fresh: dict[str, dict[int, bytes]] = {}
    for (uid, minute), found in new.items():
        told = packed(found)
        if len(told) <= room:
            room -= len(told)
            fresh.setdefault(uid, {})[minute] = told
        else:
            minutes.setdefault(uid, set()).add(minute)
    counts: dict[str, dict[int, Counts]] = {}
    for (uid, day), total in totals.items():
        counts.setdefault(uid, {})[day] = total
    return [
        Touched(
            device_uid=uid,
            minutes=tuple(minutes.get(uid, ())),
            recount=tuple(recount.get(uid, ())),
            process=process,
            counts=by_day,
            fresh=fresh.get(uid, {}),
        )
        for uid, by_day in counts.items()
    ]


def _is_newer(ts: int, value: Value, than: Reading) -> bool:
    """Of two with the same time the one that the store would keep."""
    return ts > than.ts or (ts == than.ts and _rank(value) > _rank(than.value))


def _rank(value: Value) -> tuple[int, Value]:
    """BSON's order: numbers, then text, then booleans."""
    return (2 if isinstance(value, bool) else 1 if isinstance(value, str) else 0), value


def _last_part(sample: TelemetrySample, origin: str) -> str:
    """Its seq; without one, eight hex digits of the metrics' hash; with neither time nor seq, its origin."""
    if sample.seq is not None:
        return str(sample.seq)
    if sample.ts is not None:
        return _hash_digits(sha256(_canonical.encode(sample.metrics)).hexdigest())
    return origin


def _hash_digits(digest: str) -> str:
    """Its first eight digits that no seq can be taken for: with a letter among them."""
    for start in range(len(digest) - _HASH_DIGITS):
        part = digest[start : start + _HASH_DIGITS]
        if not part.isdecimal():
            return part
    return "f" * _HASH_DIGITS
