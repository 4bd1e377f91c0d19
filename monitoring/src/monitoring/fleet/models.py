"""Devices and groups as the copy holds them, and how devices are picked from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """As of `version`, which is device-management's and only grows. A uid stays with its organization for ever.

    What has a default may be missing in a copy that an older release of this service made, until it is told again.
    `group_ids` are the fixed groups that the device is in.
    """

    uid: str
    organization_id: int
    lifecycle: str
    min_token_generation: int
    version: int
    device_id: int | None = None
    name: str | None = None
    device_type: str | None = None
    serial_number: str | None = None
    hardware_version: str | None = None
    firmware_version: str | None = None
    reported_firmware_version: str | None = None
    updates_enabled: bool = True
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reported_attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: tuple[str, ...] = ()
    group_ids: tuple[int, ...] = ()
    site_id: int | None = None
    registered_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """As of `version`; `rql` is a query group's. A deleted one stays, for no older news to revive it."""

    group_id: int
    organization_id: int
    name: str
    rql: str | None
    deleted: bool
    version: int


@dataclass(frozen=True, slots=True)
class Scope:
    """Which devices of an organization are meant: these, a group's members or what a query finds; else all of them."""

    device_uids: frozenset[str] | None = None
    group_id: int | None = None
    rql: str | None = None


EVERYTHING = Scope()
NOBODY = Scope(device_uids=frozenset())
