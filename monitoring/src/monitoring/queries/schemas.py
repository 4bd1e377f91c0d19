"""The HTTP shapes of questions about telemetry. Columns of times are in epoch milliseconds."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from monitoring.queries.states import Order, Resolution, Statistic
from shared.contracts.telemetry import Value


class Question(BaseModel):
    """Which devices, which metrics, of what time and at which resolution.

    Devices are named by one of `device_uid`, `group` and `rql`, or by none for all; no metric stands for all. The time
    is from `start` to before `end`, by default the last day. Without a `resolution` it is the one that fits.
    """

    device_uid: list[str] = Field(default_factory=list)
    group: int | None = None
    rql: str | None = None
    metric: list[str] = Field(default_factory=list)
    start: datetime | None = None
    end: datetime | None = None
    resolution: Resolution | None = None


class Answer(BaseModel):
    """From `from` to before `to`, of `devices` devices that were asked about.

    Of samples that came in after `complete_until` some may be missing: they are in answers about so many devices when
    they are rolled up. It is null where none wait for that.
    """

    model_config = ConfigDict(populate_by_name=True)

    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    resolution: Resolution
    devices: int
    complete_until: datetime | None


class SeriesRead(BaseModel):
    """A metric of a device, or of all of them (`device_uid: null`), in columns; empty buckets are left out.

    Booleans are 0 and 1 in mean, min and max; these are null where there are no numbers.
    """

    device_uid: str | None
    metric: str
    ts: list[int] = Field(default_factory=list)
    """Where each bucket begins, or when each sample was taken."""

    count: list[int] = Field(default_factory=list)
    mean: list[float | None] = Field(default_factory=list)
    min: list[float | None] = Field(default_factory=list)
    max: list[float | None] = Field(default_factory=list)
    last: list[Value | None] = Field(default_factory=list)


class SeriesAnswer(Answer):
    bucket_s: int | None
    """How long a bucket is; null: the samples themselves."""

    series: list[SeriesRead]


class StatisticsRead(BaseModel):
    """Percentiles are within 1%, and 0 or 1 of booleans. Everything but `count`, `first` and `last` is null where there

    are no numbers.
    """

    metric: str
    devices: int
    """How many devices reported it."""

    count: int
    min: float | None
    max: float | None
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    first: Value | None
    last: Value | None


class StatisticsAnswer(Answer):
    items: list[StatisticsRead]


class RankedRead(BaseModel):
    device_uid: str
    value: float
    count: int
    mean: float | None
    min: float | None
    max: float | None
    last: Value | None


class RankingAnswer(Answer):
    metric: str
    statistic: Statistic
    order: Order
    items: list[RankedRead]
