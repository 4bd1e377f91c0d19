"""The limits of sites, and until when the line of each is taken."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, text
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime


class SiteBandwidth(Table, table=True):
    """A site's limit. Downloads reserve time on the line one after the other; `free_at` is when the last of it ends."""

    __table_args__ = (CheckConstraint("bytes_per_second > 0", name="bytes_per_second"),)

    organization_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    site_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    bytes_per_second: int = Field(sa_type=BigInteger)
    free_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("clock_timestamp()")})
    changed_by: str = Field(max_length=64)
    changed_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("clock_timestamp()")})
