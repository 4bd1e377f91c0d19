"""How people write amounts in a scenario: `90s`, `10%`, `64KiB`, and `[low, high]` where devices shall differ."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from muster_cli.simulator.chance import Chance

_AMOUNT = re.compile(r"([-+]?[0-9]*\.?[0-9]+) ?([A-Za-z%]*)(?:/s)?")
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_BYTES = {"": 1.0, "B": 1.0, "KiB": 1024.0, "MiB": 1024.0**2}
_values = TypeAdapter(list[Any])
_SHARES = {"": 1.0, "%": 0.01}


class Span(NamedTuple):
    """From `low` to `high`, both included."""

    low: float
    high: float

    def at(self, share: float) -> float:
        """So far from `low` to `high`; `share` is between 0 and 1."""
        return self.low + (self.high - self.low) * share

    def draw(self, chance: Chance) -> float:
        return self.at(chance.random())


def _amount(value: Any, units: Mapping[str, float], like: str) -> Any:
    """Numbers as they are. Raises ValueError for a text without one of the units."""
    if not isinstance(value, str):
        return value
    found = _AMOUNT.fullmatch(value.strip())
    if found is None or found[2] not in units:
        raise ValueError(f'"{value}" is not {like}')
    return float(found[1]) * units[found[2]]


def _seconds(value: Any) -> Any:
    return _amount(value, _SECONDS, "a time like 250ms, 90s, 5m or 1h")


def _bytes(value: Any) -> Any:
    return _amount(value, _BYTES, "a speed like 64KiB or 2MiB a second")


def _share(value: Any) -> Any:
    return _amount(value, _SHARES, "a share like 10% or 0.1")


def _span_of(read: Callable[[Any], Any]) -> BeforeValidator:
    """One value stands for both ends."""

    def both(value: Any) -> Any:
        ends = _values.validate_python(value) if isinstance(value, list | tuple) else [value, value]
        if len(ends) != 2:
            raise ValueError("is one value, or [low, high]")
        return tuple(read(end) for end in ends)

    return BeforeValidator(both)


def _ordered(span: Span) -> Span:
    if span.low > span.high:
        raise ValueError("the smaller of the two comes first")
    return span


def _not_negative(span: Span) -> Span:
    if span.low < 0:
        raise ValueError("must not be negative")
    return span


def _positive(span: Span) -> Span:
    if span.low <= 0:
        raise ValueError("must be more than 0")
    return span


Seconds = Annotated[float, BeforeValidator(_seconds)]
Share = Annotated[float, BeforeValidator(_share), Field(ge=0.0, le=1.0)]
NumberSpan = Annotated[Span, _span_of(lambda value: value), AfterValidator(_ordered)]
AmountSpan = Annotated[NumberSpan, AfterValidator(_not_negative)]
SecondsSpan = Annotated[Span, _span_of(_seconds), AfterValidator(_ordered)]
LastingSpan = Annotated[SecondsSpan, AfterValidator(_not_negative)]
PeriodSpan = Annotated[SecondsSpan, AfterValidator(_positive)]
SpeedSpan = Annotated[Span, _span_of(_bytes), AfterValidator(_ordered), AfterValidator(_positive)]
