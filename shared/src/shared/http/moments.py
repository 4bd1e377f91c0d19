"""Moments in what people send."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie within the years 1 to 9999 in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""RFC 3339 with an offset, in UTC: at either end of the calendar an offset leads out of what stores take."""


def _no_number(value: object) -> object:
    """Pydantic would take one, in a text too, for seconds or milliseconds since 1970."""
    if isinstance(value, str) and value.replace(".", "", 1).lstrip("+-").isdecimal():
        raise ValueError("must be a time or day of RFC 3339, and no number")
    return value


QueryMoment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
QueryDay = Annotated[date, BeforeValidator(_no_number)]
