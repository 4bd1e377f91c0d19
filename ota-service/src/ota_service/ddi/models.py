"""What only this protocol needs to remember: what each device has said of itself, and the reports of its actions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime

MAX_REPORTS = 1_000
"""Of one action; what comes after them is refused."""


class DdiTarget(Table, table=True):
    """A device as this protocol sees it. Without a row it is one that has said nothing yet.

    `attributes` are all that it has put and not taken back, `version` counts how often they changed. They are
    `attributes_wanted` from a new device, and again after each update.
    """

    organization_id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    device_uid: str = Field(max_length=64, primary_key=True)
    attributes: dict[str, str] = Field(
        sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")), default_factory=dict
    )
    attributes_wanted: bool = Field(default=True, sa_column_kwargs={"server_default": text("true")})
    auto_confirm: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    """Whether updates that ask for the user's consent have it beforehand."""
    registration_asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When device-management was last asked to register it, by the database's clock."""
    version: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))


class DdiFeedback(Table, table=True):
    """One report on an action, the `position`th of it: `execution` and `finished` are the protocol's own words."""

    session_id: UUID = Field(sa_column=Column(ForeignKey("update_sessions.id"), primary_key=True))
    position: int = Field(primary_key=True)
    organization_id: int = Field(sa_type=BigInteger)
    execution: str = Field(max_length=16)
    finished: str = Field(max_length=16)
    progress: int | None = Field(default=None)
    """Percent, where the device counts."""
    code: int | None = Field(default=None, sa_type=BigInteger)
    details: list[str] = Field(sa_column=Column(ARRAY(Text()), nullable=False))
    by: str = Field(max_length=80)
    at: datetime | None = Field(
        default=None,
        sa_type=UtcDateTime,
        nullable=False,
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
