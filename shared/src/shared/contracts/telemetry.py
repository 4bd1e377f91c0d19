"""What devices publish on `devices.<uid>.telemetry`, decoded and checked with msgspec.

A body is one sample or a list of them: `{"ts": ..., "seq": 17, "boot": "...", "metrics": {"temperature": 21.5}}`.
`ts` is RFC 3339 text or epoch milliseconds.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated

import msgspec

MAX_BODY_BYTES = 128 * 1024
MAX_SAMPLES = 1_000
MAX_METRICS = 256
MAX_TEXT = 1_024

Value = float | bool | str

METRIC_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,63}")
_BOOT = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
_LATEST_MS = 253_402_300_799_999
_MICROSECOND = timedelta(microseconds=1)
_AwareTime = Annotated[datetime, msgspec.Meta(tz=True)]


class TelemetrySample(msgspec.Struct, frozen=True):
    metrics: dict[str, Value]
    ts: int | float | str | None = None
    seq: int | None = None
    boot: str | None = None

    def time(self) -> datetime | None:
        """The device's own time of the sample, in UTC; None when the device sent none.

        Raises ValueError for what is neither RFC 3339 nor epoch milliseconds within the years 1970 to 9999.
        """
        if self.ts is None:
            return None
        if isinstance(self.ts, str):
            try:
                at = msgspec.convert(self.ts, _AwareTime)
            except msgspec.ValidationError as error:
                raise ValueError(f"ts: {error}") from None
            if not _EARLIEST <= at <= _LATEST:
                raise ValueError("ts is not within the years 1970 to 9999")
            return at.astimezone(UTC)
        if not 0 <= self.ts <= _LATEST_MS:
            raise ValueError("ts is not epoch milliseconds of the years 1970 to 9999")
        return datetime.fromtimestamp(self.ts / 1000, UTC)

    def micros(self) -> int | None:
        """`time` in microseconds since 1970. Raises ValueError likewise."""
        if isinstance(self.ts, int) and 0 <= self.ts <= _LATEST_MS:
            return self.ts * 1000
        at = self.time()
        return None if at is None else (at - _EARLIEST) // _MICROSECOND


_one_or_many: msgspec.json.Decoder[TelemetrySample | list[TelemetrySample]] = msgspec.json.Decoder(
    TelemetrySample | list[TelemetrySample]
)


class NotJson(ValueError):
    pass


def decode(body: bytes) -> list[TelemetrySample]:
    """The samples of one message, checked.

    Raises ValueError, with the reason, for anything that is not telemetry, and NotJson for what is not even JSON.
    """
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"body over {MAX_BODY_BYTES} bytes")
    try:
        decoded = _one_or_many.decode(body)
    except RecursionError:
        raise NotJson("nested too deep") from None
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(str(error)) from None
    samples = decoded if isinstance(decoded, list) else [decoded]
    if not 1 <= len(samples) <= MAX_SAMPLES:
        raise ValueError(f"a message holds 1 to {MAX_SAMPLES} samples")
    for sample in samples:
        _check(sample)
    return samples


def _check(sample: TelemetrySample) -> None:
    if not 1 <= len(sample.metrics) <= MAX_METRICS:
        raise ValueError(f"a sample holds 1 to {MAX_METRICS} metrics")
    for name, value in sample.metrics.items():
        _check_name(name)
        if isinstance(value, str) and (len(value) > MAX_TEXT or "\0" in value):
            raise ValueError(f"{name}: a text has at most {MAX_TEXT} characters and no NUL")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name}: not a finite number")
    if sample.seq is not None and not 0 <= sample.seq < 2**63:
        raise ValueError("seq is not a natural number of 63 bits")
    if sample.boot is not None:
        _check_boot(sample.boot)
    sample.micros()


@lru_cache(maxsize=4_096)
def _check_name(name: str) -> None:
    """Remembers the good ones, of which a fleet has few: looking one up costs a fraction of matching it."""
    if not METRIC_NAME.fullmatch(name):
        raise ValueError(f"{_named(name)} is no metric's name: 1 to 64 letters, digits and _.:/-, a letter or _ first")


@lru_cache(maxsize=4_096)
def _check_boot(boot: str) -> None:
    """Likewise: a device keeps its boot until it starts again."""
    if not _BOOT.fullmatch(boot):
        raise ValueError(f"{_named(boot)} is no boot: 1 to 64 letters, digits, - and _")


def _named(text: str) -> str:
    """Not more of it than a good one has, and nothing in it that a log or a header would take for its own."""
    return ascii(text if len(text) <= 64 else f"{text[:64]}...")
