"""The organizations table."""

from datetime import datetime

from sqlalchemy import text
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Organization(Table, table=True):
    """`slug` is the tenant in paths of device clients; it never changes."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
