"""Live frames: from monitoring's workers over `muster.live` to its api replicas, and on to dashboards.

A frame carries the newest value of each device since the last one; a client that wants every sample reads REST.
"""

import msgspec


class TelemetryItem(msgspec.Struct, frozen=True):
    """The newest sample of one device: `ts` in epoch milliseconds by the device's clock."""

    device_uid: str
    ts: int
    metrics: dict[str, float | bool | str]


class PresenceItem(msgspec.Struct, frozen=True):
    """`since` in epoch milliseconds; a client keeps the greater `version`."""

    device_uid: str
    online: bool
    since: int
    version: int


class UpdateItem(msgspec.Struct, frozen=True):
    """The newest update session of one device: a client keeps the greater `counter`, and of one session the greater

    `version`. `progress` is percent of the download while it lasts; `updated_at` in epoch milliseconds.
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


class TelemetryFrame(msgspec.Struct, frozen=True, tag="telemetry"):
    organization_id: int
    items: list[TelemetryItem]


class PresenceFrame(msgspec.Struct, frozen=True, tag="presence"):
    organization_id: int
    items: list[PresenceItem]


class UpdateFrame(msgspec.Struct, frozen=True, tag="update"):
    organization_id: int
    items: list[UpdateItem]


Frame = TelemetryFrame | PresenceFrame | UpdateFrame
