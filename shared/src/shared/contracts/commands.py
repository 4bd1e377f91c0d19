"""What the platform asks of a device, as it travels to the device. It is no event, and outlives no deadline."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

MAX_COMMAND_BYTES = 64 * 1024


class DeviceCommand(msgspec.Struct, frozen=True):
    """One command, perhaps twice with the same id: a device does it once, and not at all past `deadline`."""

    id: UUID
    type: str
    params: dict[str, Any]
    deadline: datetime
