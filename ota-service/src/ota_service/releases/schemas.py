"""The HTTP shapes of releases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool

from ota_service.canaries.schemas import CanaryRead
from ota_service.releases.states import EntityKind, ReleaseState


class ProgressRead(BaseModel):
    """How many devices are how far; `percent` of them have ended, well or not."""

    devices: int
    waiting: int
    in_progress: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int
    percent: int


class WaveRead(BaseModel):
    """A wave with its gate. `passed_at` is when the gate let the next wave open."""

    id: str
    name: str
    percent: int | None
    state: ReleaseState
    progress: ProgressRead
    success_threshold: int
    failure_threshold: int
    opened_at: datetime | None
    met_at: datetime | None
    passed_at: datetime | None
    failed_at: datetime | None
    canary: CanaryRead | None


class ReleaseRead(BaseModel):
    """A release with the state and the counts of its waves.

    `reason` is a word for programs and `detail` a sentence: why it does not go on, as long as it does not.
    """

    id: str
    slug: str
    name: str
    description: str | None
    state: ReleaseState
    reason: str | None
    detail: str | None
    progress: ProgressRead
    rollback: ProgressRead | None
    waves: list[WaveRead]
    needs_approval: bool
    approved_by: str | None
    approved_at: datetime | None
    version: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    start_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


class ChangeRead(BaseModel):
    """What happened to a release; `by` is `person <id>` or `platform`."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    what: str
    state: ReleaseState
    wave: str | None
    detail: str | None
    by: str
    at: datetime


class ReleaseDetail(ReleaseRead):
    """With the document that it was made from, and what happened to it, the oldest first."""

    document: dict[str, Any]
    changes: list[ChangeRead]


class DryCluster(BaseModel):
    id: str
    name: str
    devices: int
    obstacles: Mapping[str, int]
    """How many devices could not be updated now, by the reason's word; they are skipped unless that changes."""


class DryWave(BaseModel):
    id: str
    name: str
    devices: int
    clusters: list[DryCluster]


class DryRun(BaseModel):
    """What a release would come to now. Nothing is written."""

    id: str
    devices: int
    obstacles: Mapping[str, int]
    waves: list[DryWave]


class ResumeRequest(BaseModel):
    """`ignore_failures` goes on although a wave has failed its gate: what failed so far counts no more."""

    model_config = ConfigDict(extra="forbid")

    ignore_failures: StrictBool = False


class Node(BaseModel):
    """A part of a release: its state and progress follow from the devices below it.

    `rollback` is the progress of the way back, once there is one.
    """

    id: str
    type: EntityKind
    name: str
    parent: str | None
    state: ReleaseState
    progress: ProgressRead
    rollback: ProgressRead | None = None


class AppNode(Node):
    firmware_id: int
    firmware_name: str
    firmware_version: str
    floor: str | None


class BundleNode(Node):
    apps: list[AppNode]


class ClusterNode(Node):
    """`selection` is what it was chosen by; `batch_id` carries it out once its wave is open."""

    selection: dict[str, Any]
    batch_id: int | None
    rollback_batch_id: int | None
    bundle: BundleNode


class WaveNode(Node):
    percent: int | None
    clusters: list[ClusterNode]


class ReleaseNode(Node):
    waves: list[WaveNode]


AnyNode = ReleaseNode | WaveNode | ClusterNode | BundleNode | AppNode
