"""The resyncs table."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, Identity, Index, text
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Resync(Table, table=True):
    """One telling of a fleet: the devices with ids over `after_id`, up to `up_to_id`, are still to be told.

    A device registered later is told by its own event. `done` never exceeds `total` by more than devices that came
    while they were counted.
    """

    __table_args__ = (Index("ix_resyncs_running", "stepped_at", postgresql_where=text("completed_at is null")),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id", index=True)
    """Who asked; with `everyone` the devices of all organizations are told."""
    everyone: bool
    requested_by: str = Field(max_length=64)
    up_to_id: int = Field(sa_type=BigInteger)
    after_id: int = Field(default=0, sa_type=BigInteger)
    total: int = Field(sa_type=BigInteger)
    done: int = Field(default=0, sa_type=BigInteger)
    requested_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    stepped_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
