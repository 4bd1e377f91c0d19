"""The devices table, and what may be asked of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    Text,
    and_,
    any_,
    case,
    cast,
    func,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, col

from device_management.devices.states import Lifecycle, Status
from device_management.tables import Table
from shared.contracts.devices import PURGED
from shared.contracts.routes import DEVICE_UID
from shared.rql.fields import Kind
from shared.rql.sql import Column as Searched
from shared.sql.models import UtcDateTime

_ID_DIGITS = 19
"""Of the greatest id there can be; thousands of them are no number at all to Python."""


class Device(Table, table=True):
    """One device.

    A purged device keeps its row, emptied, under the lifecycle `purged`: its uid stays with its organization, and its
    versions and generations go on when it is registered anew. Every other query passes it over.

    `version` counts the changes of its public state, which its events carry; `revision` counts every change of the row,
    presence included, and orders the copies in the cache.
    """

    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "site_id"], ["sites.organization_id", "sites.id"]),
        Index("ix_devices_organization_id_id", "organization_id", "id", unique=True),
        Index("ix_devices_site_id", "site_id"),
        Index(
            "ix_devices_attributes",
            "attributes",
            postgresql_using="gin",
            postgresql_ops={"attributes": "jsonb_path_ops"},
        ),
        Index("ix_devices_tags", "tags", postgresql_using="gin"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id")
    device_uid: str = Field(max_length=64, unique=True)
    name: str | None = Field(default=None, max_length=200)
    device_type: str | None = Field(default=None, max_length=64)
    serial_number: str | None = Field(default=None, max_length=128)
    hardware_version: str | None = Field(default=None, max_length=64)
    firmware_version: str | None = Field(default=None, max_length=64)
    installed_counter: int = Field(default=0, sa_type=BigInteger)
    """Which update session said so; news of an earlier one change nothing."""
    firmware_confirmed: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    """Whether the device has said that it runs what an update put on it; until then its word of others is old."""
    reported_firmware_version: str | None = Field(default=None, max_length=64)
    reported_attributes: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'"))
    )
    reported_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the device last said either of them, by the database's clock."""
    lifecycle: str = Field(default=Lifecycle.IN_STOCK, max_length=16)
    reported_status: str = Field(default=Status.IDLE, max_length=16)
    updates_enabled: bool = Field(default=True)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    tags: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String(64)), nullable=False))
    group_ids: list[int] = Field(
        default_factory=list, sa_column=Column(ARRAY(BigInteger), nullable=False, server_default=text("'{}'"))
    )
    """The fixed groups that it is in; `group_members` is what they are asked by."""
    site_id: int | None = Field(default=None, sa_type=BigInteger)
    """Where it is; the composite key keeps it within the organization."""
    online: bool | None = Field(default=None)
    """None until monitoring has said anything."""
    current_action_id: int | None = Field(default=None, sa_type=BigInteger)
    action_status: str | None = Field(default=None, max_length=16)
    """What the running action makes of the status; None while none runs."""
    presence_version: int = Field(default=0, sa_type=BigInteger)
    min_token_generation: int = Field(default=1)
    newest_token_generation: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    """Of the tokens issued from now on; greater than the least while a rotation overlaps."""
    token_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tokens_revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_type=BigInteger)
    revision: int = Field(default=1, sa_type=BigInteger)
    registered_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})


SHOWN_STATUS = case(
    (col(Device.lifecycle) == Lifecycle.MAINTENANCE, Status.MAINTENANCE.value),
    (col(Device.online).is_(False), Status.OFFLINE.value),
    else_=func.coalesce(Device.action_status, Device.reported_status),
)
"""`states.shown_status` for the database, to filter and search by."""


_SEARCHED = {
    "id": Kind.NUMBER,
    "device_uid": Kind.TEXT,
    "name": Kind.TEXT,
    "device_type": Kind.TEXT,
    "serial_number": Kind.TEXT,
    "hardware_version": Kind.TEXT,
    "firmware_version": Kind.TEXT,
    "reported_firmware_version": Kind.TEXT,
    "reported_attributes": Kind.DOCUMENT,
    "reported_at": Kind.TIME,
    "lifecycle": Kind.TEXT,
    "online": Kind.BOOLEAN,
    "updates_enabled": Kind.BOOLEAN,
    "tags": Kind.TEXTS,
    "site_id": Kind.NUMBER,
    "attributes": Kind.DOCUMENT,
    "version": Kind.NUMBER,
    "registered_at": Kind.TIME,
    "updated_at": Kind.TIME,
}

SEARCHED: Mapping[str, Searched] = {
    "status": Searched(Kind.TEXT, SHOWN_STATUS),
    **{name: Searched(kind, Device.metadata.tables["devices"].c[name]) for name, kind in _SEARCHED.items()},
}
"""What RQL may ask of a device, under the names it has in JSON."""


def referred_to(references: Sequence[str]) -> ColumnElement[bool]:
    """The devices of these uids and ids; what can be neither is no device, and asks nothing of the indexes."""
    ids = [int(one) for one in references if one.isascii() and one.isdigit() and len(one) <= _ID_DIGITS]
    uids = [one for one in references if DEVICE_UID.fullmatch(one)]
    return or_(
        col(Device.id) == any_(cast([one for one in ids if one < 2**63], ARRAY(BigInteger))),
        col(Device.device_uid) == any_(cast(uids, ARRAY(Text))),
    )


def present_in(organization_id: int) -> ColumnElement[bool]:
    """The organization's devices, without the purged."""
    return and_(col(Device.organization_id) == organization_id, col(Device.lifecycle) != PURGED)
