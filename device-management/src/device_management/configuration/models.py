"""Configurations of devices."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Configuration(Table, table=True):
    """What one device is to be set to and what it reports; `version` counts what it is to be set to."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "device_id"], ["devices.organization_id", "devices.id"], ondelete="CASCADE"
        ),
    )

    device_id: int = Field(sa_type=BigInteger, primary_key=True)
    organization_id: int
    desired: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False, server_default="{}"))
    version: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    reported: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    reported_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
