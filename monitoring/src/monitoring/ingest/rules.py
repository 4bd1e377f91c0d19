"""What a message says: whose samples it holds. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from monitoring.telemetry.models import Arrival
from shared.contracts.routes import uid_from_key
from shared.contracts.telemetry import decode


def arrivals(routing_key: str, body: bytes, message_id: str | None, *, received_at: datetime) -> list[Arrival]:
    """The samples of one message. Raises ValueError, with the reason, for one that is poison.

    The device is the routing key's, for the broker lets a device write under its own uid only. The origin of a sample
    is the message's id, else the body's hash, and the place in the message: identical bodies without ids collapse.
    """
    uid = uid_from_key(routing_key)
    if uid is None:
        raise ValueError("the routing key names no device")
    samples = decode(body)
    if all(sample.ts is not None or sample.seq is not None for sample in samples):
        return [Arrival(uid, sample, received_at, "") for sample in samples]
    source = f"id-{_digest(message_id.encode())}" if message_id else f"body-{_digest(body)}"
    return [Arrival(uid, sample, received_at, f"{source}-{index}") for index, sample in enumerate(samples)]


def by_device(routing_keys: Iterable[str]) -> Counter[str]:
    """How many messages came of each device; one whose routing key names none counts for nobody."""
    uids = map(uid_from_key, routing_keys)
    return Counter(uid for uid in uids if uid is not None)


def _digest(text: bytes) -> str:
    return sha256(text).hexdigest()[:16]
