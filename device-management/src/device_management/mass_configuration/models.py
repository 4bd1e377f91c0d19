"""Jobs that configure many devices, and their items."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Column, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from device_management.mass_configuration.states import ItemState, JobState
from device_management.tables import Table
from shared.sql.models import UtcDateTime

_NOW = {"server_default": text("now()")}


class ConfigurationJob(Table, table=True):
    """Many devices to be configured alike. `run_id` is new for every retry of what failed."""

    __table_args__ = (
        Index("ix_configuration_jobs_organization_id_requested_at", "organization_id", "requested_at", "id"),
        Index("ix_configuration_jobs_running", "stepped_at", postgresql_where=text("state = 'running'")),
    )

    id: UUID = Field(primary_key=True)
    run_id: UUID
    organization_id: int = Field(foreign_key="organizations.id")
    kind: str = Field(max_length=16)
    target: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The query or group as it was given; devices named one by one are in the items."""
    params: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    concurrency: int
    deadline_s: int
    state: str = Field(default=JobState.RUNNING, max_length=16)
    version: int = Field(default=1, sa_type=BigInteger)
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    stepped_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ConfigurationJobItem(Table, table=True):
    """A device (or a site) of a job, by its name there, and what became of it."""

    __table_args__ = (
        Index("ix_configuration_job_items_state", "job_id", "state", "name"),
        Index("ix_configuration_job_items_bulk_id", "bulk_id", "name", postgresql_where=text("bulk_id is not null")),
    )

    job_id: UUID = Field(sa_column=Column(ForeignKey("configuration_jobs.id", ondelete="CASCADE"), primary_key=True))
    name: str = Field(max_length=100, primary_key=True)
    device_id: int | None = Field(default=None, sa_type=BigInteger)
    state: str = Field(default=ItemState.PENDING, max_length=16)
    bulk_id: int | None = Field(default=None, sa_type=BigInteger)
    """The call that asked its device; with the name it tells the action."""
    attempts: int = Field(default=0, sa_type=SmallInteger)
    reason: str | None = Field(default=None, sa_type=Text)
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs=_NOW)
