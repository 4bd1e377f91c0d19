"""Telemetry as people who watch see it."""

from collections.abc import Iterable

from monitoring.telemetry.models import Latest
from shared.contracts.live import TelemetryItem


def items_of(latest: Latest) -> Iterable[TelemetryItem]:
    """An item for each time at which one of the device's newest values was taken."""
    by_time: dict[int, dict[str, float | bool | str]] = {}
    for name, reading in latest.metrics.items():
        by_time.setdefault(reading.ts // 1000, {})[name] = reading.value
    return (TelemetryItem(latest.device_uid, ts, metrics) for ts, metrics in by_time.items())
