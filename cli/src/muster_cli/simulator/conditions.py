"""What a device lives under for a while: its network, its clock, its flash. As a scenario's file says it, checked."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from muster_cli.simulator.quantities import (
    LastingSpan,
    PeriodSpan,
    Seconds,
    SecondsSpan,
    Share,
    Span,
    SpeedSpan,
)


class Section(BaseModel):
    """A part of a scenario: nothing is guessed, and a word that is not known is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Offline(Section):
    """Spells without any network, for a share of the devices, about `every` so long, measured from end to start."""

    share: Share = 1.0
    every: PeriodSpan
    lasts: PeriodSpan


class Network(Section):
    """Connections that are cut about `drops_every` so long and come back after `away`; `delay` before each sample."""

    drops_every: PeriodSpan | None = None
    away: LastingSpan = Span(0.0, 0.0)
    delay: LastingSpan = Span(0.0, 0.0)


class Clock(Section):
    """A clock is `skew` ahead, `drift` more each hour, and from time to time it jumps to `jump` away from there."""

    skew: SecondsSpan = Span(0.0, 0.0)
    drift: SecondsSpan = Span(0.0, 0.0)
    jumps_every: PeriodSpan | None = None
    jump: SecondsSpan = Span(0.0, 0.0)

    @property
    def is_right(self) -> bool:
        return self.jumps_every is None and not any((*self.skew, *self.drift))


class Updating(Section):
    """`link` is in bytes a second (None: any). To write an image and to boot takes time; `flash_fails` is of writes."""

    link: SpeedSpan | None = None
    writes: LastingSpan = Span(1.0, 1.0)
    boots: LastingSpan = Span(3.0, 3.0)
    flash_fails: Share = 0.0


class Conditions(Section):
    """All of it. A device publishes a sample `every` so many seconds."""

    every: Annotated[Seconds, Field(gt=0.0)] = 1.0
    offline: Offline | None = None
    network: Network = Network()
    clock: Clock = Clock()
    updates: Updating = Updating()
