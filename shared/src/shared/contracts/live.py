"""Live frames: from monitoring's workers over `muster.live` to its api replicas, and on to dashboards.

A frame carries the newest value of each device since the last one; a client that wants every sample reads REST.
"""

from datetime import datetime
from typing import TypeVar

import msgspec

Item = TypeVar("Item", bound=msgspec.Struct)


class TelemetryItem(msgspec.Struct, frozen=True):
    """The newest sample of one device: `ts` in epoch milliseconds by the device's clock."""

    device_uid: str
    ts: int
    metrics: dict[str, float | bool | str]


class PresenceItem(msgspec.Struct, frozen=True):
    """Whether a device is there, `since` when in epoch milliseconds; a client keeps the greater `version`."""

    device_uid: str
    online: bool
    since: int
    version: int


class UpdateItem(msgspec.Struct, frozen=True):
    """The newest update session of one device.

    A client keeps the greater `counter`, and of one session the greater `version`. `progress` is percent of the
    download while it lasts; `updated_at` in epoch milliseconds. `batch_id`, `release` (its slug) and `wave` say what it
    was opened for.
    """

    device_uid: str
    session_id: str
    counter: int
    version: int
    state: str
    progress: int | None
    firmware_name: str
    firmware_version: str
    error: str | None
    updated_at: int
    batch_id: int | None = None
    release: str | None = None
    wave: str | None = None


class AlertItem(msgspec.Struct, frozen=True):
    """An alert: of one `alert_id` a client keeps the greater `version`.

    `value` is what the rule saw last; the times are epoch milliseconds. `release` and `session_id` name the update that
    was touching the device, if one was.
    """

    alert_id: str
    rule_id: str
    rule_name: str
    severity: str
    device_uid: str
    metric: str | None
    value: float | bool | str | None
    threshold: float | None
    state: str
    version: int
    acknowledged_by: str | None
    acknowledged_at: int | None
    opened_at: int
    cleared_at: int | None
    release: str | None
    session_id: str | None


class WaveItem(msgspec.Struct, frozen=True):
    """How many devices of a wave are how far."""

    wave_id: str
    name: str
    state: str
    devices: int
    waiting: int
    in_progress: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int


class ReleaseItem(msgspec.Struct, frozen=True):
    """A release: a client keeps the greater `version`. Between two of them its batches tell how far it is."""

    release_id: int
    slug: str
    name: str
    version: int
    state: str
    reason: str | None
    detail: str | None
    wave: str | None
    waves: list[WaveItem]
    created_by: str
    created_at: int
    start_at: int | None
    started_at: int | None
    ended_at: int | None
    updated_at: int


class BatchItem(msgspec.Struct, frozen=True):
    """A batch: a client keeps the greater `version`. `release_ref` is `release:<release_id>` for one of a release."""

    batch_id: int
    name: str
    version: int
    state: str
    release_ref: str | None
    rollback_of: int | None
    total: int
    pending: int
    initiated: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int
    requested_by: str
    requested_at: int
    started_at: int | None
    ended_at: int | None
    updated_at: int


class ActionItem(msgspec.Struct, frozen=True):
    """An action on a device, without its parameters and its result: a client keeps the greater `version`."""

    action_id: int
    device_uid: str
    version: int
    action_type: str
    state: str
    progress: int | None
    error: str | None
    attempt: int
    priority: int
    bulk_id: int | None
    requested_by: str
    requested_at: int
    started_at: int | None
    completed_at: int | None
    deadline: int
    updated_at: int


class ConfigurationItem(msgspec.Struct, frozen=True):
    """How a device's configuration stands: `drift` is how many members differ, None until it has reported.

    A client keeps the greater `version` and reads the members themselves over REST.
    """

    device_uid: str
    version: int
    desired_version: int
    drift: int | None
    reported_at: int | None
    updated_at: int


class ConfigurationJobItem(msgspec.Struct, frozen=True):
    """A job that configures many devices, with how many are how far: a client keeps the greater `version`."""

    job_id: str
    run_id: str
    version: int
    state: str
    total: int
    pending: int
    dispatched: int
    succeeded: int
    failed: int
    cancelled: int
    requested_by: str
    requested_at: int
    ended_at: int | None
    updated_at: int


class TelemetryFrame(msgspec.Struct, frozen=True, tag="telemetry"):
    organization_id: int
    items: list[TelemetryItem]


class PresenceFrame(msgspec.Struct, frozen=True, tag="presence"):
    organization_id: int
    items: list[PresenceItem]


class UpdateFrame(msgspec.Struct, frozen=True, tag="update"):
    organization_id: int
    items: list[UpdateItem]


class AlertFrame(msgspec.Struct, frozen=True, tag="alert"):
    organization_id: int
    items: list[AlertItem]


class ReleaseFrame(msgspec.Struct, frozen=True, tag="release"):
    organization_id: int
    items: list[ReleaseItem]


class BatchFrame(msgspec.Struct, frozen=True, tag="batch"):
    organization_id: int
    items: list[BatchItem]


class ActionFrame(msgspec.Struct, frozen=True, tag="action"):
    organization_id: int
    items: list[ActionItem]


class ConfigurationFrame(msgspec.Struct, frozen=True, tag="configuration"):
    organization_id: int
    items: list[ConfigurationItem]


class ConfigurationJobFrame(msgspec.Struct, frozen=True, tag="configuration_job"):
    organization_id: int
    items: list[ConfigurationJobItem]


Frame = (
    TelemetryFrame
    | PresenceFrame
    | UpdateFrame
    | AlertFrame
    | ReleaseFrame
    | BatchFrame
    | ActionFrame
    | ConfigurationFrame
    | ConfigurationJobFrame
)


def live_item(kind: type[Item], state: object) -> Item:
    """A state as its watchers see it: the members that an item of this kind has, moments in epoch milliseconds."""
    members = {name: getattr(state, name) for name in kind.__struct_fields__}
    plain = {name: instant(value) if isinstance(value, datetime) else value for name, value in members.items()}
    return msgspec.convert(plain, kind, from_attributes=True)


def instant(moment: datetime) -> int:
    """Epoch milliseconds."""
    return int(moment.timestamp() * 1000)
