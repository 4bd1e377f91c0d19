"""A scenario as its file says it: which devices there are, what they live under, and when that changes."""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from muster_cli.simulator.conditions import Clock, Conditions, Network, Offline, Section, Updating
from muster_cli.simulator.quantities import Seconds, Share
from muster_cli.simulator.scenarios.metrics import Metric

_Start = Annotated[Seconds, Field(ge=0.0)]
_Lasting = Annotated[Seconds, Field(gt=0.0)]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,24}$")]
_MetricName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:/-]{0,63}$")]
_Every = Annotated[Seconds, Field(ge=0.01, le=86_400.0)]


class Population(Section):
    """Devices of one kind: one that is built in, which `metrics` then adds to, or one that is described in full."""

    devices: Annotated[int, Field(ge=1, le=50_000)]
    kind: Literal["cold-room", "pump", "weather-station", "gateway"] | None = None
    type: _Text | None = None
    hardware: _Text | None = None
    tags: Sequence[_Text] = ()
    attributes: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    metrics: Mapping[_MetricName, Metric] = Field(default_factory=dict[str, Metric])
    every: _Every = 1.0
    offline: Offline | None = None
    network: Network = Network()
    clock: Clock = Clock()
    updates: Updating = Updating()

    @model_validator(mode="after")
    def _is_something(self) -> "Population":
        if self.kind is None and not self.metrics:
            raise ValueError("needs a kind, or metrics of its own")
        return self

    @property
    def conditions(self) -> Conditions:
        return Conditions(
            every=self.every, offline=self.offline, network=self.network, clock=self.clock, updates=self.updates
        )


class Phase(Section):
    """From `start` to before `end` each section that is named takes the place of the populations' own.

    An empty section means that there is nothing of the kind.
    """

    start: Annotated[_Start, Field(alias="from")]
    end: Annotated[_Lasting, Field(alias="until")] = math.inf
    populations: list[str] | None = None
    every: _Every | None = None
    offline: Offline | Literal["never"] | None = None
    network: Network | None = None
    clock: Clock | None = None
    updates: Updating | None = None

    @model_validator(mode="after")
    def _ends_later(self) -> "Phase":
        if self.end <= self.start:
            raise ValueError("until must be later than from")
        return self

    def over(self, conditions: Conditions) -> Conditions:
        """These conditions while the phase lasts."""
        named = self.model_dump(include=set(Conditions.model_fields), exclude_none=True)
        changed: Mapping[str, Any] = {name: getattr(self, name) for name in named}
        if self.offline == "never":
            changed = {**changed, "offline": None}
        return conditions.model_copy(update=changed)


class Herd(Section):
    """At a moment a share of the devices loses the network; all of them come back at once, `away` later."""

    at: _Start
    away: _Lasting = 5.0
    share: Share = 1.0
    populations: list[str] | None = None


class Scenario(Section):
    """Populations by name; later phases go before earlier ones."""

    description: str = ""
    seed: int = 0
    duration: _Lasting | None = None
    connects_per_second: Annotated[float, Field(ge=1.0)] = 200.0
    populations: Annotated[dict[_Name, Population], Field(min_length=1)]
    phases: Sequence[Phase] = ()
    herds: Sequence[Herd] = ()

    @model_validator(mode="after")
    def _names_what_there_is(self) -> "Scenario":
        for part, listed in (("phases", self.phases), ("herds", self.herds)):
            for index, one in enumerate(listed):
                for name in one.populations or ():
                    if name not in self.populations:
                        raise ValueError(f'{part}[{index}].populations: there is no population "{name}"')
        return self
