"""Metrics as a scenario's file says them. A `[low, high]` is drawn once for each device."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator

from muster_cli.simulator.chance import Chance
from muster_cli.simulator.conditions import Section
from muster_cli.simulator.quantities import AmountSpan, NumberSpan, PeriodSpan, Span
from muster_cli.simulator.shapes import Choice, Constant, Counter, Shape, Steps, Value, Walk, Wave

_Noise = Annotated[float, Field(ge=0.0)]
_Digits = Annotated[int, Field(ge=0, le=9)]
_ZERO = Span(0.0, 0.0)


def _plain(value: Any) -> Value:
    if isinstance(value, Value):
        return value
    raise ValueError("must be a number, a text, or true or false")


_Value = Annotated[Value, PlainValidator(_plain)]


class SineMetric(Section):
    """A sine around `base`; all devices are at different points of it unless `phase` says otherwise."""

    shape: Literal["sine"]
    base: NumberSpan
    amplitude: NumberSpan
    period: PeriodSpan
    phase: NumberSpan = Span(0.0, 1.0)
    noise: _Noise = 0.0
    drift: NumberSpan = _ZERO
    low: float = -math.inf
    high: float = math.inf
    digits: _Digits = 2

    def of(self, chance: Chance) -> Shape:
        return Wave(
            base=self.base.draw(chance),
            amplitude=self.amplitude.draw(chance),
            period=self.period.draw(chance),
            noise=self.noise,
            phase=self.phase.draw(chance),
            drift=self.drift.draw(chance),
            low=self.low,
            high=self.high,
            digits=self.digits,
        )


class WalkMetric(Section):
    """A random walk from `start`, by `step` a sample."""

    shape: Literal["walk"]
    start: NumberSpan
    step: Annotated[float, Field(gt=0.0)]
    low: float = -math.inf
    high: float = math.inf
    digits: _Digits = 2

    def of(self, chance: Chance) -> Shape:
        return Walk(self.start.draw(chance), self.step, self.low, self.high, self.digits)


class StepMetric(Section):
    """The levels in turn, each for `lasts`."""

    shape: Literal["step"]
    levels: Annotated[list[float], Field(min_length=1)]
    lasts: PeriodSpan
    noise: _Noise = 0.0
    digits: _Digits = 2

    def of(self, chance: Chance) -> Shape:
        return Steps(self.levels, self.lasts.draw(chance), self.noise, chance.random(), self.digits)


class ConstantMetric(Section):
    """Always `value`: a number, a text, or true or false."""

    shape: Literal["constant"]
    value: _Value
    noise: _Noise = 0.0
    digits: _Digits = 2

    def of(self, chance: Chance) -> Shape:
        return Constant(self.value, self.noise, self.digits)


class ChoiceMetric(Section):
    """One of `of`, drawn anew every `lasts`; a value that is there twice is drawn twice as often."""

    shape: Literal["choice"]
    of_: Annotated[list[_Value], Field(alias="of", min_length=1)]
    lasts: PeriodSpan = Span(1.0, 1.0)

    def of(self, chance: Chance) -> Shape:
        return Choice(self.of_, self.lasts.draw(chance))


class CounterMetric(Section):
    """Grows by `per_second`, with `noise` as a share of it."""

    shape: Literal["counter"]
    start: AmountSpan = _ZERO
    per_second: AmountSpan
    noise: _Noise = 0.0
    rolls_over: Annotated[float, Field(gt=0.0)] = math.inf

    def of(self, chance: Chance) -> Shape:
        return Counter(self.start.draw(chance), self.per_second.draw(chance), self.noise, self.rolls_over)


Metric = Annotated[
    SineMetric | WalkMetric | StepMetric | ConstantMetric | ChoiceMetric | CounterMetric, Field(discriminator="shape")
]
