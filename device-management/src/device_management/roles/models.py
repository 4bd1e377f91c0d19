"""The roles table: those that organizations have made for themselves."""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Integer, String, text
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Role(Table, table=True):
    """Its name is its id within the organization: people hold roles by name."""

    organization_id: int = Field(sa_column=Column(Integer, ForeignKey("organizations.id"), primary_key=True))
    name: str = Field(max_length=64, primary_key=True)
    description: str | None = Field(default=None, max_length=200)
    scopes: list[str] = Field(sa_column=Column(ARRAY(String(64)), nullable=False))
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
