"""Events about presence, published by monitoring."""

from datetime import datetime

from shared.contracts.envelope import EventData


class PresenceState(EventData):
    """Whether the device holds a connection to the broker. `version` counts its changes of presence."""

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
