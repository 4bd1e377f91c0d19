"""The document of a release as people write it, and the plan that is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints
from sqlalchemy import ColumnElement

from ota_service.batches.schemas import Window
from ota_service.canaries.schemas import Criteria
from ota_service.firmware.models import Firmware
from ota_service.firmware.schemas import FirmwareId, Label
from shared.contracts.routes import DEVICE_UID
from shared.http.moments import Moment
from shared.names import readable

MAX_WAVES = 50
MAX_CLUSTERS = 50
MAX_APPS = 20
MAX_NAMED = 10_000
_WEEK_S = 7 * 86_400
_YEAR_S = 366 * 86_400

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(readable)]
Percent = Annotated[int, Field(ge=1, le=100, strict=True)]
Seconds = Annotated[int, Field(ge=0, le=_YEAR_S, strict=True)]
Id = Annotated[int, Field(ge=1, lt=2**63, strict=True)]
Uid = Annotated[str, StringConstraints(pattern=rf"^{DEVICE_UID.pattern}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class AppDocument(_Shape):
    """One firmware of a bundle: by `firmware_id`, or by `name` and `version`.

    A device whose version of it is below `floor` is left alone.
    """

    slug: Slug | None = None
    firmware_id: FirmwareId | None = None
    name: Label | None = None
    version: Label | None = None
    floor: Label | None = None


class BundleDocument(_Shape):
    """Firmware that is installed together, in this order."""

    slug: Slug | None = None
    name: Name | None = None
    apps: Annotated[list[AppDocument], Field(min_length=1, max_length=MAX_APPS)]


class ClusterDocument(_Shape):
    """Devices, by one of `group_id`, `site_id`, `rql` and `device_uids`, and the bundle that they get."""

    slug: Slug | None = None
    name: Name | None = None
    group_id: Id | None = None
    site_id: Id | None = None
    rql: str | None = None
    device_uids: Annotated[list[Uid], Field(min_length=1, max_length=MAX_NAMED)] | None = None
    bundle: BundleDocument | None = None
    """The release's own bundle without."""


class WaveDocument(_Shape):
    """Clusters of its own, or so many percent of each of the release's clusters. Its gate is the release's without."""

    slug: Slug | None = None
    name: Name | None = None
    percent: Percent | None = None
    clusters: Annotated[list[ClusterDocument], Field(min_length=1, max_length=MAX_CLUSTERS)] | None = None
    success_threshold: Percent | None = None
    failure_threshold: Percent | None = None
    soak_s: Seconds | None = None
    min_s: Seconds | None = None
    max_s: Annotated[int, Field(ge=1, le=_YEAR_S, strict=True)] | None = None
    canary: Criteria | None = None
    """What its devices are compared with others by, when all else lets the next wave open."""


class ReleaseDocument(_Shape):
    """A release: which devices get which firmware, in which waves, and what has to hold for the next wave to open.

    Thresholds are percent of a wave's devices that could be updated at all. A wave passes when `success_threshold` is
    met, `soak_s` later, and not before `min_s`; it fails at `failure_threshold`, when its success threshold is out of
    reach, and when it has not met it after `max_s`.
    """

    name: Name
    slug: Slug | None = None
    description: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    bundle: BundleDocument | None = None
    clusters: Annotated[list[ClusterDocument], Field(min_length=1, max_length=MAX_CLUSTERS)] | None = None
    waves: Annotated[list[WaveDocument], Field(min_length=1, max_length=MAX_WAVES)]

    success_threshold: Percent = 90
    failure_threshold: Percent = 10
    soak_s: Seconds = 0
    min_s: Seconds = 0
    max_s: Annotated[int, Field(ge=1, le=_YEAR_S, strict=True)] | None = None
    max_per_hour: Annotated[int, Field(ge=1, le=10_000_000, strict=True)] | None = None
    """How many devices a wave begins with in an hour at the most."""
    concurrency: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    """How many devices of a cluster are updated at once."""
    per_site: Annotated[int, Field(ge=1, le=100_000, strict=True)] | None = None
    """How many of them at one site."""
    window: Window | None = None

    start_at: Moment | None = None
    approval: StrictBool = False
    """Whether one who holds `updates:approve` must approve it before it starts."""
    join_late: StrictBool = False
    """Whether devices that come to match a cluster later take part."""
    on_failure: str = Field(default="pause", pattern=r"^(pause|fail|rollback)$")

    deadline_s: Annotated[int, Field(ge=1, le=_YEAR_S, strict=True)] | None = None
    """In how many seconds a device must have taken its update up; the platform's own default without."""

    device_soak_s: Annotated[int, Field(ge=1, le=_WEEK_S, strict=True)] | None = None
    """How long a device must have been connected with the new version before it counts as updated."""
    consent: StrictBool = False
    """Whether the update of each device waits until a person or the device confirms it."""
    force: StrictBool = False
    """Whether an older version may replace a newer one."""


Location = tuple[str | int, ...]
"""A place in the document."""


@dataclass(frozen=True)
class Fault:
    """A place in the document, what is wrong there, and a word for programs."""

    location: Location
    message: str
    type: str


@dataclass(frozen=True)
class Gate:
    """What has to hold for a wave to pass; see ReleaseDocument."""

    success_threshold: int
    failure_threshold: int
    soak_s: int
    min_s: int
    max_s: int | None


@dataclass(frozen=True)
class PlannedApp:
    slug: str
    document: AppDocument
    location: Location


@dataclass(frozen=True)
class PlannedCluster:
    """`source` is the number of its selection among the plan's; `share` the part of it, in percent, from and up to."""

    slug: str
    name: str
    source: int
    share: tuple[int, int]
    bundle_slug: str
    bundle_name: str
    apps: Sequence[PlannedApp]


@dataclass(frozen=True)
class PlannedWave:
    slug: str
    name: str
    percent: int | None
    gate: Gate
    canary: Criteria | None
    clusters: Sequence[PlannedCluster]


@dataclass(frozen=True)
class Plan:
    """What a document comes to. `sources` are the selections, each with its place in the document.

    A device that several of them find belongs to the first.
    """

    slug: str
    waves: Sequence[PlannedWave]
    sources: Sequence[tuple[Location, ClusterDocument]]
    faults: Sequence[Fault] = field(default=())

    @property
    def clusters(self) -> list[PlannedCluster]:
        return [cluster for wave in self.waves for cluster in wave.clusters]

    def entities(self) -> list[tuple[str, str]]:
        """Kind and slug of everything there is."""
        found = [("release", self.slug)]
        for wave in self.waves:
            found.append(("wave", wave.slug))
            for cluster in wave.clusters:
                found += [("cluster", cluster.slug), ("bundle", cluster.bundle_slug)]
                found += [("app", app.slug) for app in cluster.apps]
        return found


@dataclass(frozen=True)
class Resolved:
    """A plan with what it names: the conditions of each selection, the firmware of each app by its place."""

    plan: Plan
    conditions: Mapping[int, Sequence[ColumnElement[bool]]]
    firmware: Mapping[Location, Firmware]

    def hardware(self, cluster: PlannedCluster) -> list[str] | None:
        """The hardware versions that the whole bundle fits; None when it fits all."""
        wanted = [set(self.firmware[app.location].hardware_versions) for app in cluster.apps]
        limited = [versions for versions in wanted if versions]
        return sorted(limited[0].intersection(*limited[1:])) if limited else None
