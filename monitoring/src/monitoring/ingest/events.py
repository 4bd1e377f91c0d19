"""Telemetry as people who watch see it."""

from collections.abc import Iterable
from datetime import datetime

from monitoring.telemetry.models import Latest, moment
from shared.contracts.live import TelemetryItem


def items_of(latest: Latest) -> Iterable[TelemetryItem]:
    """An item for each time at which one of the device's newest values was taken."""
    by_time: dict[int, dict[str, float | bool | str]] = {}
    for name, reading in latest.metrics.items():
        by_time.setdefault(reading.ts // 1000, {})[name] = reading.value
    return (TelemetryItem(latest.device_uid, ts, metrics) for ts, metrics in by_time.items())


def said_at(latest: Latest) -> datetime | None:
    """The newest time that the device itself gives; None when it gives none that can be used."""
    newest = max((reading.ts for reading in latest.metrics.values() if reading.dated), default=None)
    return None if newest is None else moment(newest)
