"""What a manifest is made for, and the words for why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ota_service.fleet.schemas import FleetDeviceRead


@dataclass(frozen=True)
class Obstacle:
    """Why a device may not get a firmware: a word for programs and a sentence for people."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Draft:
    """A signed manifest for one session of one device; `counter` is greater than that of any before it.

    `manifest` is the canonical JSON that `signature` (base64, by key `key_id`) signs.
    """

    session_id: UUID
    counter: int
    issued_at: datetime
    """By the database's clock."""
    device: FleetDeviceRead
    manifest: str
    signature: str
    key_id: str


@dataclass(frozen=True)
class Drawn:
    """What came of each device, by uid: a draft, or what is in the way."""

    drafts: Mapping[str, Draft]
    obstacles: Mapping[str, Obstacle]
