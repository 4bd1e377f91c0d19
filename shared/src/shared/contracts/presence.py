"""Events about presence, published by monitoring."""

from datetime import datetime

from shared.contracts.envelope import EventData


class PresenceState(EventData):
    """Whether the device is there; `version` counts its changes of presence.

    It is while it holds a connection to the broker, or has been heard of over HTTP or through a gateway not long ago. A
    device that connects again before its old connection has ended is told of as connected again: its new connection
    has a queue of its own, and what the old one's held is lost.
    """

    device_uid: str
    online: bool
    since: datetime
    """Server time of the change."""
    online_ms: int = 0
    """How long it has been online in all, up to `since`, in milliseconds."""

    def subject(self) -> str:
        return f"presence/{self.device_uid}"


class DeviceConnected(PresenceState):
    type = "device.connected.v1"


class DeviceDisconnected(PresenceState):
    type = "device.disconnected.v1"
