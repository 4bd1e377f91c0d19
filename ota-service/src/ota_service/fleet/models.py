"""The copy's table, and the base that every table of this service shares."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Column, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from shared.sql.models import UtcDateTime, table_base

Table = table_base()


class FleetDevice(Table, table=True):
    """A device as of `version`, which is device-management's and only grows."""

    device_uid: str = Field(max_length=64, primary_key=True)
    device_id: int = Field(sa_type=BigInteger, index=True)
    organization_id: int = Field(sa_type=BigInteger, index=True)
    name: str | None = Field(default=None, max_length=200)
    device_type: str | None = Field(default=None, max_length=64)
    hardware_version: str | None = Field(default=None, max_length=64)
    firmware_version: str | None = Field(default=None, max_length=64)
    lifecycle: str = Field(max_length=16)
    updates_enabled: bool
    attributes: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    tags: list[str] = Field(sa_column=Column(ARRAY(String(64)), nullable=False))
    min_token_generation: int
    version: int = Field(sa_type=BigInteger)
    changed_at: datetime = Field(sa_type=UtcDateTime)
