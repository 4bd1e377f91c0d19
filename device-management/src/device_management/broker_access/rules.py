"""What a device may do at the broker, pure: write under its own uid, read its own commands, nothing else.

Names are compared whole: by a prefix `sensor-1` could read `sensor-10`. RabbitMQ's MQTT plugin names its queues
`mqtt-subscription-<client id>qos<0|1>`; an AMQP device uses the queue `device.<uid>`.
"""

from datetime import datetime, timedelta

from device_management.devices.states import ENDED
from shared.contracts.routes import DEVICES_EXCHANGE, device_key

TAG = "device"
"""The tag that /broker/user gives to a device; the other answers demand it."""

GRACE = timedelta(seconds=2.5)
"""The broker remembers an answer for 2 s: a device may connect with a revoked token until then."""

_WRITES = ("telemetry", "status", "replies", "state")


def may_use_resource(uid: str, *, kind: str, name: str, permission: str) -> bool:
    if kind == "exchange":
        return name == DEVICES_EXCHANGE and permission in {"read", "write"}
    if kind == "queue":
        own = {f"mqtt-subscription-{uid}qos0", f"mqtt-subscription-{uid}qos1", f"device.{uid}"}
        return name in own and permission in {"configure", "read", "write"}
    return False


def may_use_topic(uid: str, *, exchange: str, permission: str, routing_key: str) -> bool:
    """`write` publishes to the routing key; `read` binds a queue to it (wildcards included, so they never match)."""
    if exchange != DEVICES_EXCHANGE:
        return False
    if permission == "write":
        return routing_key in {device_key(uid, channel) for channel in _WRITES}
    return permission == "read" and routing_key == device_key(uid, "commands")


def good_generation(*, suspended: bool, lifecycle: str, generation: int | None, min_generation: int) -> bool:
    """Whether a token that verifies has not been revoked, and neither its device nor its organization is out."""
    return not suspended and lifecycle not in ENDED and generation is not None and generation >= min_generation


def must_close(
    *,
    connected_at: datetime,
    suspended: bool,
    lifecycle: str,
    tokens_revoked_at: datetime | None,
    token_expires_at: datetime | None,
    now: datetime,
) -> bool:
    """Whether a live connection lives on a token that is revoked or expired, its device is over or its organization
    suspended.

    A connection made within the grace after a revocation may rest on a remembered answer; a device with a new token
    that is caught by this connects again at once.
    """
    if suspended or lifecycle in ENDED:
        return True
    if tokens_revoked_at is not None and connected_at <= tokens_revoked_at + GRACE:
        return True
    return token_expires_at is not None and token_expires_at <= now
