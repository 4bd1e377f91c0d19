"""The organizations table."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from device_management.organizations.states import OrganizationStatus, TelemetryRetention
from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Organization(Table, table=True):
    """`slug` is the tenant in paths of device clients and never changes; `version` counts changes of all the rest."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=200)
    state: str = Field(default=OrganizationStatus.ACTIVE, max_length=16)
    device_limit: int | None = Field(default=None)
    telemetry_retention: str = Field(
        default=TelemetryRetention.STANDARD, max_length=16, sa_column_kwargs={"server_default": "standard"}
    )
    settings: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSONB, nullable=False))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
