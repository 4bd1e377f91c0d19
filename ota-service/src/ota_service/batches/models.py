"""Batches and the devices in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, SmallInteger, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field

from ota_service.batches.states import BatchState, DeviceState
from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime

IS_PENDING = text("state = 'pending'")
IS_INITIATED = text("state = 'initiated'")
IS_OUTSIDE_WINDOW = text("state = 'pending' and reason = 'outside_window'")


class UpdateBatch(Table, table=True):
    """A batch, with how many of its devices are in each state: whoever changes a device holds the lock on this row.

    `next_step_at` is when a worker looks at it again if nothing happens before; None when only news of its sessions, or
    people, carry it on.
    """

    __tablename__ = "update_batches"  # pyright: ignore[reportAssignmentType] - as SQLModel shows
    __table_args__ = (
        CheckConstraint("least(pending, initiated, succeeded, failed, skipped, cancelled) >= 0", name="counts"),
        Index("ix_update_batches_organization_id_id", "organization_id", "id"),
        Index("ix_update_batches_next_step_at", "next_step_at", postgresql_where=text("next_step_at is not null")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(sa_type=BigInteger)
    name: str = Field(max_length=200)
    state: str = Field(default=BatchState.PENDING, max_length=16)
    target: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The query, group or site as it was given; devices named one by one are in the rows alone."""
    chosen_to: str | None = Field(default=None, max_length=64)
    """As far as the selection is frozen, in the order of uids; None once all of it is."""
    terms: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """`sessions.schemas.Terms` as JSON."""
    start_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    concurrency: int | None = Field(default=None)
    """How many sessions are open at a time; None: no limit."""
    per_site: int | None = Field(default=None)
    """The same for each site; devices without a site are not limited by it."""
    window: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    held: bool = Field(default=False)
    release_ref: str | None = Field(default=None, max_length=64)
    release: str | None = Field(default=None, max_length=64)
    wave: str | None = Field(default=None, max_length=240)
    """Of a batch of a release, for its sessions: the slugs of the release and, on the way there, of the wave."""
    rollback_of: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("update_batches.id"), unique=True)
    )
    pending: int = Field(default=0)
    initiated: int = Field(default=0)
    succeeded: int = Field(default=0)
    failed: int = Field(default=0)
    skipped: int = Field(default=0)
    cancelled: int = Field(default=0)
    version: int = Field(default=1, sa_type=BigInteger)
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    told_at: datetime = Field(sa_type=UtcDateTime)
    """When the last event was told, and whether the counts have changed since."""
    untold: bool = Field(default=False)
    stepped_at: datetime = Field(sa_type=UtcDateTime)
    next_step_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class BatchDevice(Table, table=True):
    """A device of a batch, by the uid (or the reference that is none), and what became of it.

    A pending one has its turn at `next_at`; `wait_until` is how long one that was passed over waits for another. With
    `firmware_ids` it gets these in place of the batch's.
    """

    __table_args__ = (
        CheckConstraint("state <> 'initiated' or session_id is not null", name="session"),
        Index("ix_batch_devices_pending", "batch_id", "next_at", "device_uid", postgresql_where=IS_PENDING),
        Index(
            "ix_batch_devices_pending_at_site",
            "batch_id",
            "site_id",
            "next_at",
            "device_uid",
            postgresql_where=text("state = 'pending' and site_id is not null"),
        ),
        Index("ix_batch_devices_outside_window", "device_uid", postgresql_where=IS_OUTSIDE_WINDOW),
        Index("ix_batch_devices_initiated", "batch_id", "device_uid", postgresql_where=IS_INITIATED),
    )

    batch_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("update_batches.id", ondelete="CASCADE"), primary_key=True)
    )
    device_uid: str = Field(max_length=64, primary_key=True)
    state: str = Field(default=DeviceState.PENDING, max_length=16)
    reason: str | None = Field(default=None, max_length=64)
    detail: str | None = Field(default=None, max_length=500)
    session_id: UUID | None = Field(default=None)
    """Of the last attempt."""
    site_id: int | None = Field(default=None, sa_type=BigInteger)
    firmware_ids: list[int] | None = Field(default=None, sa_column=Column(ARRAY(BigInteger)))
    attempts: int = Field(default=0, sa_type=SmallInteger)
    next_at: datetime = Field(sa_type=UtcDateTime)
    wait_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
