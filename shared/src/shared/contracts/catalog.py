"""Every event there is. Golden schemas, the topology's bindings and `docs/asyncapi.yaml` are made from this list."""

from shared.contracts.devices import DeviceRegistered, DeviceSnapshot, DeviceTokenRevoked
from shared.contracts.envelope import EventData
from shared.contracts.presence import DeviceConnected, DeviceDisconnected

EVENTS: tuple[type[EventData], ...] = (
    DeviceRegistered,
    DeviceTokenRevoked,
    DeviceSnapshot,
    DeviceConnected,
    DeviceDisconnected,
)

BY_TYPE: dict[str, type[EventData]] = {event.type: event for event in EVENTS}
