"""What a device says of itself on `devices.<uid>.state`."""

from typing import Annotated, Any

import msgspec

from shared.contracts.nesting import deeper_than
from shared.contracts.nul import holds_nul

MAX_BODY_BYTES = 64 * 1024
MAX_CONFIGURATION_LEVELS = 32


class DeviceReport(msgspec.Struct, frozen=True):
    """What a device says of itself. Members that are left out say nothing; a configuration and attributes are whole."""

    firmware_version: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    """What it runs now; said after every start."""
    configuration: dict[str, Any] | None = None
    """At most `MAX_CONFIGURATION_LEVELS` levels of JSON."""
    attributes: dict[str, Any] | None = None
    """At most 16 KiB of JSON in 8 levels."""


_reports: msgspec.json.Decoder[DeviceReport] = msgspec.json.Decoder(DeviceReport)


def decode(body: bytes) -> DeviceReport:
    """One report, checked. Raises ValueError, with the reason and no values, for anything else."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"body over {MAX_BODY_BYTES} bytes")
    try:
        report = _reports.decode(body)
    except msgspec.DecodeError:
        raise ValueError("not a report") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    if deeper_than(report.configuration, MAX_CONFIGURATION_LEVELS):
        raise ValueError("nested too deep")
    if holds_nul(msgspec.json.encode(report)):
        raise ValueError("text must not hold NUL")
    return report
