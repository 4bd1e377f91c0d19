"""Where a sample lies, what identifies it, and what can be read. Pure."""

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256

import msgspec

from monitoring.telemetry.models import (
    DAY,
    Arrival,
    Latest,
    Reading,
    StoredSample,
    micros,
    midnight,
    sample_key,
)
from shared.contracts.telemetry import TelemetrySample, Value

_canonical = msgspec.json.Encoder(order="deterministic")


def place(arrival: Arrival, *, retention_days: int) -> StoredSample | None:
    """Where the sample goes; None when its day is past the retention. The same sample always gets the same key.

    A sample lies in the day of the device's time, unless that is missing or later than tomorrow (by the server's
    clock): then nothing can be said about its time, and it is undated.
    """
    sample, received_at = arrival.sample, arrival.received_at
    at = sample.time()
    today = received_at.date()
    if at is not None and at.date() < today - retention_days * DAY:
        return None
    day = None if at is None or at.date() > today + DAY else at.date()
    return StoredSample(
        key=sample_key(arrival.device_uid, at, sample.boot or "", _last_part(sample, arrival.origin)),
        device_uid=arrival.device_uid,
        day=day,
        received_at=received_at,
        metrics=sample.metrics,
        ts=micros(received_at if day is None or at is None else at),
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


def newest(samples: Iterable[StoredSample]) -> list[Latest]:
    """The newest reading of every metric of each device."""
    found: dict[str, dict[str, Reading]] = {}
    for sample in samples:
        readings = found.setdefault(sample.device_uid, {})
        received = micros(sample.received_at)
        for name, value in sample.metrics.items():
            before = readings.get(name)
            if before is None or _is_newer(sample.ts, value, before):
                readings[name] = Reading(sample.ts, value, sample.day is not None, received)
    return [Latest(uid, readings) for uid, readings in found.items()]


def merged(parts: Iterable[Latest]) -> list[Latest]:
    """One for each device, with the newest reading of every metric."""
    found: dict[str, dict[str, Reading]] = {}
    for part in parts:
        readings = found.setdefault(part.device_uid, {})
        for name, reading in part.metrics.items():
            before = readings.get(name)
            if before is None or _is_newer(reading.ts, reading.value, before):
                readings[name] = reading
    return [Latest(uid, readings) for uid, readings in found.items()]


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
        return sha256(_canonical.encode(sample.metrics)).hexdigest()[:8]
    return origin
