"""The copy's table."""

from typing import Any

from sqlalchemy import BigInteger, Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from ota_service.fleet.models import Table


class Tenant(Table, table=True):
    """An organization as of `version`, which is device-management's and only grows. A slug never changes."""

    organization_id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    slug: str = Field(max_length=64, index=True)
    state: str = Field(max_length=16)
    settings: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    version: int = Field(sa_type=BigInteger)
