"""What devices have reported: last values, metrics over time, statistics, files."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from muster_cli.client.rest import Rest

Value = bool | int | float | str

_TELEMETRY = "/api/v2/telemetry"


@dataclass(frozen=True)
class Question:
    """Which devices (one of `devices`, `group` and `rql`, or none for all), which metrics (none: all), and when.

    Without `start` the last day; `resolution` is one of the platform's, or "auto".
    """

    devices: Sequence[str] = ()
    group: int | None = None
    rql: str | None = None
    metrics: Sequence[str] = ()
    start: datetime | None = None
    end: datetime | None = None
    resolution: str | None = None

    def params(self) -> dict[str, object | None]:
        return {
            "device_uid": list(self.devices) or None,
            "group": self.group,
            "rql": self.rql,
            "metric": list(self.metrics) or None,
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "resolution": self.resolution,
        }


class Reading(BaseModel):
    """`ts` is the device's time, or with `dated: false` the time of receipt."""

    value: Value
    ts: datetime
    dated: bool = True


class Latest(BaseModel):
    """The newest value of every metric of a device."""

    device_uid: str
    ts: datetime
    metrics: dict[str, Reading]


class Series(BaseModel):
    """A metric of a device, or of all of them, in columns; `ts` in epoch milliseconds."""

    device_uid: str | None = None
    metric: str
    ts: list[int] = []
    count: list[int] = []
    mean: list[float | None] = []
    min: list[float | None] = []
    max: list[float | None] = []
    last: list[Value | None] = []


class SeriesAnswer(BaseModel):
    """`bucket_s` is how long a bucket is; None: the samples themselves."""

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    resolution: str
    devices: int
    bucket_s: int | None = None
    series: list[Series]


class Statistics(BaseModel):
    """Over the whole time and all of the devices; None where there are no numbers."""

    metric: str
    devices: int
    count: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    first: Value | None = None
    last: Value | None = None


class StatisticsAnswer(BaseModel):
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    resolution: str
    devices: int
    items: list[Statistics]


class TelemetryClient(Rest):
    def latest(self, device_uid: str | None = None, *, limit: int | None = None) -> AsyncIterator[Latest]:
        """Of the devices that have reported, by uid, or of one; at most `limit`."""
        return self._items(Latest, f"{_TELEMETRY}/latest", {"device_uid": device_uid}, limit=limit)

    async def series(self, question: Question, *, points: int, by: str | None = None) -> SeriesAnswer:
        """About `points` buckets at most, `by` device or all of them as one."""
        params = {**question.params(), "points": points, "by": by}
        return await self._call(SeriesAnswer, "GET", f"{_TELEMETRY}/series", params=params)

    async def statistics(self, question: Question) -> StatisticsAnswer:
        return await self._call(StatisticsAnswer, "GET", f"{_TELEMETRY}/statistics", params=question.params())

    def export_telemetry(self, question: Question, *, file_format: str) -> AsyncIterator[bytes]:
        """Samples (unless another resolution is asked for) as a file, piece by piece."""
        return self._pieces(f"{_TELEMETRY}/export", {**question.params(), "format": file_format})
