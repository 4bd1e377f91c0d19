"""Presence as others hear of it."""

from monitoring.presence.models import Presence
from shared.contracts.live import PresenceItem, live_item
from shared.contracts.presence import DeviceConnected, DeviceDisconnected, PresenceState


def event_of(presence: Presence, organization_id: int) -> PresenceState:
    kind = DeviceConnected if presence.online else DeviceDisconnected
    return kind(
        organization_id=organization_id,
        version=presence.version,
        device_uid=presence.device_uid,
        online=presence.online,
        since=presence.since,
        online_ms=presence.online_ms,
    )


def item_of(presence: Presence) -> PresenceItem:
    """One device in a live frame."""
    return live_item(PresenceItem, presence)
