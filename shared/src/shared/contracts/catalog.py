"""Every event there is. Golden schemas, the topology's bindings and `docs/asyncapi.yaml` are made from this list."""

from shared.contracts.access import AccessRestored, AccessRevoked
from shared.contracts.actions import (
    ActionCancelled,
    ActionCompleted,
    ActionFailed,
    ActionProgressed,
    ActionRequested,
    ActionStarted,
    ActionTimedOut,
)
from shared.contracts.configuration import (
    ConfigurationJobCancelled,
    ConfigurationJobCompleted,
    ConfigurationJobPaused,
    ConfigurationJobResumed,
    ConfigurationJobStarted,
)
from shared.contracts.device_requests import DeviceAttributesReported, DeviceRegistrationRequested
from shared.contracts.devices import (
    DeviceChanged,
    DeviceFirmwareChanged,
    DevicePurged,
    DeviceRegistered,
    DeviceRetired,
    DeviceSnapshot,
    DeviceTokenRevoked,
)
from shared.contracts.envelope import EventData
from shared.contracts.groups import GroupChanged, GroupCreated, GroupDeleted, GroupSnapshot
from shared.contracts.organizations import (
    OrganizationChanged,
    OrganizationCreated,
    OrganizationReactivated,
    OrganizationSuspended,
)
from shared.contracts.presence import DeviceConnected, DeviceDisconnected
from shared.contracts.updates import (
    UpdateRefused,
    UpdateSessionAcknowledged,
    UpdateSessionCancelled,
    UpdateSessionCompleted,
    UpdateSessionDownloading,
    UpdateSessionFailed,
    UpdateSessionFlashed,
    UpdateSessionInitiated,
    UpdateSessionProgressed,
    UpdateSessionTimedOut,
)

EVENTS: tuple[type[EventData], ...] = (
    OrganizationCreated,
    OrganizationChanged,
    OrganizationSuspended,
    OrganizationReactivated,
    AccessRevoked,
    AccessRestored,
    DeviceRegistered,
    DeviceChanged,
    DeviceTokenRevoked,
    DeviceFirmwareChanged,
    DeviceRetired,
    DevicePurged,
    DeviceSnapshot,
    DeviceRegistrationRequested,
    DeviceAttributesReported,
    GroupCreated,
    GroupChanged,
    GroupDeleted,
    GroupSnapshot,
    ConfigurationJobStarted,
    ConfigurationJobPaused,
    ConfigurationJobResumed,
    ConfigurationJobCompleted,
    ConfigurationJobCancelled,
    DeviceConnected,
    DeviceDisconnected,
    UpdateSessionInitiated,
    UpdateSessionAcknowledged,
    UpdateSessionDownloading,
    UpdateSessionProgressed,
    UpdateSessionFlashed,
    UpdateSessionCompleted,
    UpdateSessionFailed,
    UpdateSessionCancelled,
    UpdateSessionTimedOut,
    UpdateRefused,
    ActionRequested,
    ActionStarted,
    ActionProgressed,
    ActionCompleted,
    ActionFailed,
    ActionCancelled,
    ActionTimedOut,
)

BY_TYPE: dict[str, type[EventData]] = {event.type: event for event in EVENTS}
