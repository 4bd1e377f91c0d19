"""The copy's tables, what RQL may ask of them, and the base that every table of this service shares."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Index, String, Text, and_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, col

from shared.contracts.devices import PURGED
from shared.rql.fields import Kind
from shared.rql.sql import Column as Searched
from shared.sql.models import UtcDateTime, table_base

Table = table_base()


class FleetDevice(Table, table=True):
    """A device as of `version`, which is device-management's and only grows.

    `group_ids` are the fixed groups that it is in, `site_id` where it is.
    """

    __table_args__ = (
        Index("ix_fleet_devices_organization_id_device_uid", "organization_id", "device_uid"),
        Index("ix_fleet_devices_group_ids", "group_ids", postgresql_using="gin"),
        Index(
            "ix_fleet_devices_attributes",
            "attributes",
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
        ),
        Index("ix_fleet_devices_tags", "tags", postgresql_using="gin"),
    )

    device_uid: str = Field(max_length=64, primary_key=True)
    device_id: int = Field(sa_type=BigInteger, index=True)
    organization_id: int = Field(sa_type=BigInteger)
    name: str | None = Field(default=None, max_length=200)
    device_type: str | None = Field(default=None, max_length=64)
    serial_number: str | None = Field(default=None, max_length=128)
    hardware_version: str | None = Field(default=None, max_length=64)
    firmware_version: str | None = Field(default=None, max_length=64)
    reported_firmware_version: str | None = Field(default=None, max_length=64)
    lifecycle: str = Field(max_length=16)
    updates_enabled: bool
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    tags: list[str] = Field(sa_column=Column(ARRAY(String(64)), nullable=False))
    group_ids: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    site_id: int | None = Field(default=None, sa_type=BigInteger, index=True)
    min_token_generation: int
    version: int = Field(sa_type=BigInteger)
    registered_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)


class FleetGroup(Table, table=True):
    """A group as of `version`; `rql` is a query group's. A deleted one stays, for no older news to revive it."""

    group_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    organization_id: int = Field(sa_type=BigInteger, index=True)
    name: str = Field(max_length=200)
    rql: str | None = Field(default=None, sa_type=Text)
    deleted: bool
    version: int = Field(sa_type=BigInteger)


_SEARCHED = {
    "id": (Kind.NUMBER, "device_id"),
    "device_uid": (Kind.TEXT, "device_uid"),
    "name": (Kind.TEXT, "name"),
    "device_type": (Kind.TEXT, "device_type"),
    "serial_number": (Kind.TEXT, "serial_number"),
    "hardware_version": (Kind.TEXT, "hardware_version"),
    "firmware_version": (Kind.TEXT, "firmware_version"),
    "lifecycle": (Kind.TEXT, "lifecycle"),
    "updates_enabled": (Kind.BOOLEAN, "updates_enabled"),
    "tags": (Kind.TEXTS, "tags"),
    "site_id": (Kind.NUMBER, "site_id"),
    "attributes": (Kind.DOCUMENT, "attributes"),
    "version": (Kind.NUMBER, "version"),
    "registered_at": (Kind.TIME, "registered_at"),
    "updated_at": (Kind.TIME, "changed_at"),
}

SEARCHED: Mapping[str, Searched] = {
    name: Searched(kind, FleetDevice.metadata.tables["fleet_devices"].c[column])
    for name, (kind, column) in _SEARCHED.items()
}
"""What RQL may ask of a device here: the names of device-management, without the status, which is not in the copy."""


def present_in(organization_id: int) -> ColumnElement[bool]:
    """The organization's devices, without the purged."""
    return and_(col(FleetDevice.organization_id) == organization_id, col(FleetDevice.lifecycle) != PURGED)
