"""The HTTP shapes of telemetry. Values are numbers, booleans or text; times are in UTC."""

from datetime import datetime

from pydantic import BaseModel

from shared.contracts.telemetry import Value


class ReadingRead(BaseModel):
    value: Value
    ts: datetime
    """The device's time, or with `dated: false` the time of receipt, for want of a usable one."""

    dated: bool


class LatestRead(BaseModel):
    """The newest value of every metric of a device; `ts` is the newest of their times."""

    device_uid: str
    ts: datetime
    metrics: dict[str, ReadingRead]


class SampleRead(BaseModel):
    """One sample: `ts` by the device's clock, `received_at` by the platform's."""

    ts: datetime
    received_at: datetime
    metrics: dict[str, Value]
