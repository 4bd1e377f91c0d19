"""The names on the broker: exchanges and routing keys. The shapes behind them are in `shared.messaging.topology`."""

import re
from functools import lru_cache

EVENTS_EXCHANGE = "muster.events"
LIVE_EXCHANGE = "muster.live"
DEVICES_EXCHANGE = "amq.topic"
BROKER_EVENTS_EXCHANGE = "amq.rabbitmq.event"

DEVICE_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""A uid is a topic segment and a login: dots, wildcards and slashes would alias another's topics."""

_FROM_DEVICE = re.compile(rf"devices\.({DEVICE_UID.pattern})\.(telemetry|status|replies|state)")


def device_key(uid: str, channel: str) -> str:
    """The routing key of a device's channel; over MQTT the dots are slashes."""
    return f"devices.{uid}.{channel}"


@lru_cache(maxsize=16_384)
def uid_from_key(routing_key: str) -> str | None:
    """The device a message comes from. The broker lets a device write under its own uid only, so this is the sender."""
    match = _FROM_DEVICE.fullmatch(routing_key)
    return match[1] if match else None


def live_key(organization_id: int) -> str:
    return f"organization.{organization_id}"
