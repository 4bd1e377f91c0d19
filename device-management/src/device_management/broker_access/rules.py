"""What a device or a gateway may do at the broker, pure.

A device writes under its own uid and reads its own commands, nothing else. A gateway may ask for the same of any one
device: whose it is, its organization's devices tell.

Names are compared whole: by a prefix `sensor-1` could read `sensor-10`. RabbitMQ's MQTT plugin names its queues
`mqtt-subscription-<client id>qos<0|1>`; over AMQP the queue is `device.<user>`.
"""

import re
from datetime import datetime, timedelta
from uuid import UUID

from device_management.devices.states import ENDED
from shared.contracts.routes import DEVICE_UID, DEVICES_EXCHANGE, device_key, uid_from_key

TAG = "device"
"""The tag that /broker/user gives to devices and gateways; the other answers demand it."""

GRACE = timedelta(seconds=2.5)
"""Who was let in just before a revocation may need until then to be among the connections that can be closed."""

_GATEWAY = re.compile(r"gateway\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
"""A uid has no dot, so a gateway's user, client id and queues are no device's."""

_COMMANDS = re.compile(rf"devices\.({DEVICE_UID.pattern})\.commands")
_WRITES = ("telemetry", "status", "replies", "state")


def gateway_user(gateway_id: UUID | str) -> str:
    """The user name, and the MQTT client id, of a gateway."""
    return f"gateway.{gateway_id}"


def gateway_of(user: str) -> UUID | None:
    """The gateway that logs in by this name, if it is one's."""
    match = _GATEWAY.fullmatch(user)
    return UUID(match[1]) if match else None


def tags(user: str, now: datetime) -> str:
    """What /broker/user says of who is let in.

    The broker remembers for minutes what it was answered about a user of certain tags. Of a device that never changes.
    Of a gateway it does: its second tag is that of the second of its login, so that the broker asks anew. It keeps
    every tag that it has ever heard, which limits them to as many as a day has seconds.
    """
    if gateway_of(user) is None:
        return TAG
    return f"{TAG} since-{int(now.timestamp()) % 86_400}"


def device_asked_for(*, exchange: str, permission: str, routing_key: str) -> str | None:
    """The one device for which a gateway wants to write, or whose commands it wants to read; None for all else."""
    if exchange != DEVICES_EXCHANGE:
        return None
    if permission == "write":
        return uid_from_key(routing_key)
    match = _COMMANDS.fullmatch(routing_key) if permission == "read" else None
    return match[1] if match else None


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


def good_gateway(*, suspended: bool, revoked: bool, expires_at: datetime, now: datetime) -> bool:
    return not suspended and not revoked and now < expires_at


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

    A connection made within the grace after a revocation may rest on an answer from before; a device with a new token
    that is caught by this connects again at once.
    """
    if suspended or lifecycle in ENDED:
        return True
    if tokens_revoked_at is not None and connected_at <= tokens_revoked_at + GRACE:
        return True
    return token_expires_at is not None and token_expires_at <= now
