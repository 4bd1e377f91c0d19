"""Releases, their waves, clusters and apps, the devices that take part, and what happened to each release.

The states of everything below a release are derived: none of it is kept twice. Below the tables is what is known of
their rows together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from ota_service.canaries.models import ReleaseCanary
from ota_service.fleet.models import Table
from ota_service.releases.states import STEPPED, ReleaseState
from shared.sql.models import UtcDateTime

MAX_SLUG = 240
_STEPPED = text(f"state in ({', '.join(repr(str(state)) for state in sorted(STEPPED))})")
_STATES = ", ".join(repr(str(state)) for state in sorted(ReleaseState))


class Release(Table, table=True):
    """`document` is what was asked for. `reason` (a word) and `detail` (a sentence) say why it does not go on.

    It is stepped by whoever holds its row, not before `stepped_at`.
    """

    __table_args__ = (
        CheckConstraint(f"state in ({_STATES})", name="state"),
        UniqueConstraint("organization_id", "slug"),
        Index("ix_releases_organization_id_id", "organization_id", "id"),
        Index("ix_releases_stepped", "stepped_at", postgresql_where=_STEPPED),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(sa_type=BigInteger)
    slug: str = Field(max_length=64)
    name: str = Field(max_length=100)
    document: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = Field(default=ReleaseState.DRAFT, max_length=16)
    reason: str | None = Field(default=None, max_length=32)
    detail: str | None = Field(default=None, max_length=500)
    version: int = Field(default=1, sa_type=BigInteger)
    needs_approval: bool
    approved_by: str | None = Field(default=None, max_length=64)
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    start_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    paused_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stepped_at: datetime = Field(sa_type=UtcDateTime)
    joined_at: datetime = Field(sa_type=UtcDateTime)
    """When devices that come later were last looked for."""


class ReleaseWave(Table, table=True):
    """Opened once, passed once. `failed_at` stands while its failed gate keeps the release from going on.

    `forgiven` devices were not updated and do not count against the gate: a person said so.
    """

    __table_args__ = (UniqueConstraint("release_id", "position"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    release_id: int = Field(sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), nullable=False))
    position: int = Field(sa_type=SmallInteger)
    slug: str = Field(max_length=MAX_SLUG)
    name: str = Field(max_length=100)
    percent: int | None = Field(default=None, sa_type=SmallInteger)
    success_threshold: int = Field(sa_type=SmallInteger)
    failure_threshold: int = Field(sa_type=SmallInteger)
    soak_s: int
    min_s: int
    max_s: int | None = Field(default=None)
    canary: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    """`canaries.schemas.Criteria` as JSON: what its devices are compared with others by."""
    forgiven: int = Field(default=0)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    met_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    passed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReleaseCluster(Table, table=True):
    """Devices of a wave that get one bundle; a batch carries it out, another takes it back.

    `source` is the number of its selection in the document: of those with the same the last takes who comes later.
    `devices` and `handed` count its rows in `release_devices`: all of them, and those that the batch has.
    """

    __table_args__ = (
        UniqueConstraint("wave_id", "position"),
        Index("ix_release_clusters_release_id", "release_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    release_id: int = Field(sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), nullable=False))
    wave_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("release_waves.id", ondelete="CASCADE"), nullable=False)
    )
    position: int = Field(sa_type=SmallInteger)
    slug: str = Field(max_length=MAX_SLUG)
    name: str = Field(max_length=100)
    bundle_slug: str = Field(max_length=MAX_SLUG)
    bundle_name: str = Field(max_length=100)
    source: int = Field(sa_type=SmallInteger)
    devices: int = Field(default=0)
    handed: int = Field(default=0)
    batch_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("update_batches.id")))
    rollback_batch_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("update_batches.id")))
    taken_back_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Since when it is on its way back; without a batch there is nothing to take back."""


class ReleaseApp(Table, table=True):
    """A firmware of a cluster's bundle, in its place."""

    cluster_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("release_clusters.id", ondelete="CASCADE"), primary_key=True)
    )
    position: int = Field(sa_type=SmallInteger, primary_key=True)
    slug: str = Field(max_length=MAX_SLUG)
    firmware_id: int = Field(sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=False, index=True))
    name: str = Field(max_length=64)
    version: str = Field(max_length=64)
    floor: str | None = Field(default=None, max_length=64)


class ReleaseName(Table, table=True):
    """The names of everything: one thing of a kind has a name in an organization."""

    __table_args__ = (Index("ix_release_names_release_id", "release_id"),)

    organization_id: int = Field(sa_type=BigInteger, primary_key=True)
    kind: str = Field(max_length=16, primary_key=True)
    slug: str = Field(max_length=MAX_SLUG, primary_key=True)
    release_id: int = Field(sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), nullable=False))


class ReleaseDevice(Table, table=True):
    """A device that takes part, in one cluster. It is frozen with the release, or has joined it at `joined_at`."""

    __table_args__ = (
        Index("ix_release_devices_device_uid", "device_uid", "release_id"),
        Index("ix_release_devices_waiting", "cluster_id", "device_uid", postgresql_where=text("handed_at is null")),
    )

    release_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), primary_key=True)
    )
    device_uid: str = Field(sa_column=Column(String(64), primary_key=True))
    cluster_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("release_clusters.id", ondelete="CASCADE"), nullable=False)
    )
    joined_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    handed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ReleaseChange(Table, table=True):
    """What happened to a release, in the order of its versions. `by` is `person <id>` or `platform`."""

    __table_args__ = (UniqueConstraint("release_id", "version"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    release_id: int = Field(sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), nullable=False))
    version: int = Field(sa_type=BigInteger)
    what: str = Field(max_length=32)
    state: str = Field(max_length=16)
    wave: str | None = Field(default=None, max_length=MAX_SLUG)
    detail: str | None = Field(default=None, max_length=500)
    by: str = Field(max_length=80)
    at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class Tally:
    """How many devices of a cluster, wave or release are how far; `devices` is all of them."""

    devices: int = 0
    initiated: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed + self.skipped + self.cancelled

    @property
    def waiting(self) -> int:
        """Those that have not begun."""
        return self.devices - self.initiated - self.ended

    @property
    def open(self) -> int:
        """Those that may still come to be updated."""
        return self.devices - self.ended

    @property
    def counted(self) -> int:
        """Those that a gate counts: one that was skipped could not be updated by anybody."""
        return self.devices - self.skipped

    @property
    def against(self) -> int:
        """Those that count against a gate."""
        return self.failed + self.cancelled

    @classmethod
    def total(cls, tallies: Iterable[Self]) -> Self:
        found = list(tallies)
        return cls(*(sum(getattr(tally, member.name) for tally in found) for member in fields(cls)))


@dataclass(frozen=True)
class Slot:
    """A cluster's part of a selection: from `begins` up to `ends` percent of it, in an order that is always the same.

    `hardware` is what its bundle fits; None fits every device.
    """

    cluster: int
    source: int
    begins: int
    ends: int
    hardware: Sequence[str] | None = None


@dataclass(frozen=True)
class ClusterBranch:
    """A cluster with its bundle, and how far its devices are there and, once it is taken back, on the way back."""

    cluster: ReleaseCluster
    apps: Sequence[ReleaseApp]
    tally: Tally
    back: Tally | None


@dataclass(frozen=True)
class WaveBranch:
    """A wave with what was last asked of monitoring about it."""

    wave: ReleaseWave
    clusters: Sequence[ClusterBranch]
    canary: ReleaseCanary | None = None

    @property
    def tally(self) -> Tally:
        return Tally.total(branch.tally for branch in self.clusters)


@dataclass(frozen=True)
class ReleaseTree:
    release: Release
    waves: Sequence[WaveBranch]

    @property
    def tally(self) -> Tally:
        return Tally.total(branch.tally for branch in self.waves)

    @property
    def clusters(self) -> list[ClusterBranch]:
        return [cluster for wave in self.waves for cluster in wave.clusters]

    @property
    def sources(self) -> list[dict[str, Any]]:
        """The document's clusters, in the order of their numbers."""
        document = self.release.document
        found: list[dict[str, Any]] = [*document.get("clusters", [])]
        for wave in document["waves"]:
            found += wave.get("clusters", [])
        return found

    @property
    def back(self) -> Tally | None:
        found = [cluster.back for cluster in self.clusters if cluster.back is not None]
        return Tally.total(found) if found else None
