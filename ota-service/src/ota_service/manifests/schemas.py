"""What a manifest is made for, and the words for why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ota_service.firmware.models import Firmware
from ota_service.fleet.schemas import FleetDeviceRead


@dataclass(frozen=True)
class Bundle:
    """What devices are to be given: firmware of several names, in the order in which it is installed.

    A device must run at least the version of each of `floors`, by name. `force` allows releases older than what a
    device has, and those that it has already.
    """

    firmware: Sequence[Firmware]
    floors: Mapping[str, str] = field(default_factory=dict[str, str])
    force: bool = False


@dataclass(frozen=True)
class Obstacle:
    """Why a device may not get a bundle: a word for programs and a sentence for people."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Draft:
    """A signed manifest for one session of one device; `counter` is greater than that of any before it.

    `manifest` is the canonical JSON that `signature` (base64, by key `key_id`) signs; `previous` the firmware ids that
    the device last ran well, by name.
    """

    session_id: UUID
    counter: int
    issued_at: datetime
    """By the database's clock."""
    device: FleetDeviceRead
    previous: Mapping[str, int]
    manifest: str
    signature: str
    key_id: str


@dataclass(frozen=True)
class Drawn:
    """What came of each device, by uid: a draft, or what is in the way."""

    drafts: Mapping[str, Draft]
    obstacles: Mapping[str, Obstacle]
