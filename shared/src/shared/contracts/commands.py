"""What the platform asks of a device on `devices.<uid>.commands`, and what it answers on `devices.<uid>.replies`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from shared.contracts.nesting import deeper_than
from shared.contracts.nul import holds_nul

MAX_COMMAND_BYTES = 64 * 1024
MAX_REPLY_BYTES = 64 * 1024
MAX_REPLY_LEVELS = 32
MAX_ERROR = 1_000


class DeviceCommand(msgspec.Struct, frozen=True):
    """One command, perhaps twice with the same id: a device does it once, and not at all past `deadline`."""

    id: UUID
    type: str
    params: dict[str, Any]
    deadline: datetime


class DeviceReply(msgspec.Struct, frozen=True):
    """What became of the command with this id; the same answer may come twice, and answers out of order.

    `error_class` is the kind of failure, by which it is tried again or not: `busy` and `transient` are, unless the
    request says otherwise; any other word is the sender's own.
    """

    id: str
    state: Literal["running", "completed", "failed"]
    progress: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    result: Any = None
    """At most `MAX_REPLY_LEVELS` levels of JSON."""
    error: str | None = None
    error_class: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")] | None = None


_replies: msgspec.json.Decoder[DeviceReply] = msgspec.json.Decoder(DeviceReply)


def decode_reply(body: bytes) -> DeviceReply:
    """One reply, checked. Raises ValueError, with the reason and no values, for anything else."""
    if len(body) > MAX_REPLY_BYTES:
        raise ValueError(f"body over {MAX_REPLY_BYTES} bytes")
    try:
        reply = _replies.decode(body)
    except msgspec.DecodeError:
        raise ValueError("not a reply") from None
    except RecursionError:
        raise ValueError("nested too deep") from None
    if deeper_than(reply.result, MAX_REPLY_LEVELS):
        raise ValueError("nested too deep")
    if holds_nul(msgspec.json.encode(reply)):
        raise ValueError("text must not hold NUL")
    if reply.error is not None and len(reply.error) > MAX_ERROR:
        return msgspec.structs.replace(reply, error=reply.error[:MAX_ERROR])
    return reply
