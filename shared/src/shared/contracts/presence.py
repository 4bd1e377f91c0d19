"""Events about presence, published by monitoring."""

from datetime import datetime

from shared.contracts.envelope import EventData


class PresenceState(EventData):
    """Whether the device holds a connection to the broker. `version` counts its changes of presence.

    A device that connects again before its old connection has ended is told of as connected again: its new connection
    has a queue of its own, and what the old one's held is lost.
    """

    device_uid: str
    online: bool
    since: datetime
    """Server time of the change."""

    def subject(self) -> str:
        return f"presence/{self.device_uid}"


class DeviceConnected(PresenceState):
    type = "device.connected.v1"


class DeviceDisconnected(PresenceState):
    type = "device.disconnected.v1"
