"""Times and durations as people write them."""

import re
from datetime import UTC, datetime, timedelta

from muster_cli.errors import BadUsage

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"^(\d+(?:\.\d+)?)([smhdw])$")


def duration(text: str) -> timedelta:
    """`90s`, `15m`, `2h`, `7d`, `1w`. Raises BadUsage."""
    found = _DURATION.match(text)
    try:
        if found is not None:
            return timedelta(**{_UNITS[found[2]]: float(found[1])})
    except OverflowError:
        found = None
    raise BadUsage(f'"{text}" is no duration', "write it like 90s, 15m, 2h or 7d")


def before(end: datetime, text: str) -> datetime:
    """So long before `end`. Raises BadUsage."""
    return _moved(end, -duration(text), text)


def after(start: datetime, text: str) -> datetime:
    """So long after `start`. Raises BadUsage."""
    return _moved(start, duration(text), text)


def moment(text: str) -> datetime:
    """RFC 3339, in UTC where it names no zone. Raises BadUsage."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadUsage(f'"{text}" is no time', "write it like 2026-12-01T22:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _moved(at: datetime, by: timedelta, text: str) -> datetime:
    try:
        return at + by
    except OverflowError:
        raise BadUsage(f'"{text}" leads out of the calendar', "write it like 90s, 15m, 2h or 7d") from None
