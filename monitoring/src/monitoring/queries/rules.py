"""Which resolution fits a question, what is too much, and how rows of files are written. Pure.

CSV has a row for each value of each sample, or for each metric of each bucket; NDJSON has a sample or a bucket's metric
a line.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import ceil
from typing import Any

from monitoring.fleet.models import Scope
from monitoring.queries.errors import OneScope, TooMuchAsked
from monitoring.queries.models import Plan, Span
from monitoring.queries.states import FileFormat, Resolution, Statistic
from monitoring.rollups.models import Summary
from monitoring.telemetry.models import PastSample

MAX_SAMPLES = 100_000

_SECOND, _HOUR, _DAY = 1, 3_600, 86_400
_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, _DAY, 7 * _DAY)
_PIECE = {Resolution.RAW: _HOUR, Resolution.MINUTE: _HOUR, Resolution.HOUR: _DAY}
_FITTING = {Resolution.RAW: 3, Resolution.MINUTE: 2_500, Resolution.HOUR: 50_000}
"""How many device hours (raw, minute) or device days (hour) a resolution fits, when nobody has asked for it."""

_MOST = {Resolution.RAW: 48, Resolution.MINUTE: 20_000, Resolution.HOUR: 50_000}
"""The same for who has asked for it."""

SAMPLE_COLUMNS = ("device_uid", "ts", "received_at", "metric", "value")
BUCKET_COLUMNS = ("device_uid", "ts", "metric", "count", "mean", "min", "max", "first", "last")

_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet would take for a formula (OWASP, CSV injection), and what was defused before."""


def scope_of(device_uids: Sequence[str], group: int | None, rql: str | None) -> Scope:
    """Raises OneScope when more than one of them is given."""
    if bool(device_uids) + (group is not None) + (rql is not None) > 1:
        raise OneScope
    return Scope(device_uids=frozenset(device_uids) if device_uids else None, group_id=group, rql=rql)


def plan(
    start: datetime, end: datetime, *, asked: Resolution | None, points: int | None, devices: int, span: Span
) -> Plan:
    """How to answer for that time with at most about `points` buckets (None: as they are). Raises TooMuchAsked."""
    end = min(max(end, span.hour), span.end)
    start = min(max(start, span.hour if asked is None else span.oldest(asked)), end)
    width = _width((end - start).total_seconds(), points)
    resolution = asked or _fitting(start, end, width, devices, span)
    if asked is not None and (pieces := _pieces(asked, start, end, devices)) > _MOST[asked]:
        raise _too_much(asked, pieces)
    width = max(width, int(resolution.unit.total_seconds()))
    return Plan(resolution, _floor(start, width), _ceiling(end, width), timedelta(seconds=width))


def value_of(summary: Summary, statistic: Statistic) -> float | None:
    """None where it is no number."""
    match statistic:
        case Statistic.MEAN:
            return summary.mean
        case Statistic.MIN:
            return summary.least
        case Statistic.MAX:
            return summary.greatest
        case Statistic.COUNT:
            return summary.count
        case Statistic.LAST:
            return None if summary.last is None or isinstance(summary.last, str) else float(summary.last)


def header_line(file_format: FileFormat, columns: Sequence[str]) -> str:
    return _csv([columns]) if file_format is FileFormat.CSV else ""


def sample_lines(file_format: FileFormat, uid: str, found: Iterable[PastSample], metrics: frozenset[str] | None) -> str:
    """The samples of a device as lines; those without any of the metrics are left out."""
    kept = (
        (one, {name: value for name, value in one.metrics.items() if metrics is None or name in metrics})
        for one in found
    )
    if file_format is FileFormat.CSV:
        return _csv(
            [uid, _time(one.ts), _time(one.received_at), name, value]
            for one, values in kept
            for name, value in values.items()
        )
    return _ndjson(
        {"device_uid": uid, "ts": _time(one.ts), "received_at": _time(one.received_at), "metrics": values}
        for one, values in kept
        if values
    )


def bucket_lines(file_format: FileFormat, uid: str, at: datetime, found: Mapping[str, Summary]) -> str:
    """A bucket of a device as lines, one for each metric."""
    rows = [
        (uid, _time(at), name, one.count, one.mean, one.least, one.greatest, one.first, one.last)
        for name, one in sorted(found.items())
    ]
    if file_format is FileFormat.CSV:
        return _csv(rows)
    return _ndjson(dict(zip(BUCKET_COLUMNS, row, strict=True)) for row in rows)


def _fitting(start: datetime, end: datetime, width: int, devices: int, span: Span) -> Resolution:
    coarser = {Resolution.RAW: Resolution.MINUTE, Resolution.MINUTE: Resolution.HOUR}
    for resolution in Resolution:
        following = coarser.get(resolution)
        too_fine = following is not None and width >= following.unit.total_seconds()
        too_old = following is not None and start < span.oldest(resolution)
        if not too_fine and not too_old and _pieces(resolution, start, end, devices) <= _FITTING[resolution]:
            return resolution
    raise _too_much(None, _pieces(Resolution.HOUR, start, end, devices))


def _pieces(resolution: Resolution, start: datetime, end: datetime, devices: int) -> float:
    """Device hours or days that are to be read, begun ones whole but for raw ones."""
    piece = _PIECE[resolution]
    if resolution is Resolution.RAW:
        return devices * (end - start).total_seconds() / piece
    return devices * (_ceiling(end, piece) - _floor(start, piece)).total_seconds() / piece


def _too_much(asked: Resolution | None, pieces: float) -> TooMuchAsked:
    most = _MOST[asked or Resolution.HOUR]
    unit = "days" if asked in (None, Resolution.HOUR) else "hours"
    what = f"with resolution {asked}" if asked else "at the coarsest resolution"
    advice = "or leave the resolution out" if asked else "or ask in parts"
    return TooMuchAsked(
        f"an answer reads at most {most:,} {unit} of devices {what}, and this asks for {ceil(pieces):,}: "
        f"name fewer devices, a shorter time, {advice}"
    )


def _width(seconds: float, points: int | None) -> int:
    if points is None:
        return _SECOND
    for width in _WIDTHS:
        if seconds <= width * points:
            return width
    return -int(-seconds // (points * _WIDTHS[-1])) * _WIDTHS[-1]


def _floor(at: datetime, width: int) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // width * width, UTC)


def _ceiling(at: datetime, width: int) -> datetime:
    return datetime.fromtimestamp(-(-at.timestamp() // width) * width, UTC)


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    written = StringIO()
    csv.writer(written).writerows([[_cell(value) for value in row] for row in rows])
    return written.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if _DANGEROUS.match(value) else value
    return value


def _ndjson(lines: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(line, ensure_ascii=False, allow_nan=False)}\n" for line in lines)


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
