"""The tables of actions, the attempts at them, and the calls that asked many devices at once."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from device_management.actions.states import ActionState, AttemptState
from device_management.tables import Table
from shared.sql.models import UtcDateTime

_NOW = {"server_default": text("now()")}
_OPEN = text("state in ('pending', 'running')")


class BulkAction(Table, table=True):
    """One call that asked many devices. `skipped` says of each device that was not asked why."""

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id", index=True)
    type: str = Field(max_length=64)
    params: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    target: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    """The query or the group as it was given; devices named one by one are not repeated."""
    skipped: list[dict[str, str]] = Field(sa_column=Column(JSONB, nullable=False))
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs=_NOW)


class Action(Table, table=True):
    """One action on one device. Who changes a device's queue holds the device's row.

    `command_id` is the present attempt's; `next_attempt_at` is set while a failed one waits to be followed by another.
    """

    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "device_id"], ["devices.organization_id", "devices.id"]),
        CheckConstraint("state <> 'running' or command_id is not null", name="running_has_command"),
        Index("uq_actions_running", "device_id", unique=True, postgresql_where=text("state = 'running'")),
        Index("ix_actions_queue", "device_id", text("priority desc"), "id", postgresql_where=_OPEN),
        Index("ix_actions_deadline", "deadline", postgresql_where=text("completed_at is null")),
        Index("ix_actions_next_attempt_at", "next_attempt_at", postgresql_where=text("next_attempt_at is not null")),
        Index("ix_actions_organization_id_id", "organization_id", "id"),
        Index("ix_actions_device_id_id", "device_id", "id"),
        Index("ix_actions_bulk_id", "bulk_id", postgresql_where=text("bulk_id is not null")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    organization_id: int
    device_id: int = Field(sa_type=BigInteger)
    device_uid: str = Field(max_length=64)
    type: str = Field(max_length=64)
    params: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    priority: int = Field(sa_type=SmallInteger)
    retry: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    state: str = Field(default=ActionState.PENDING, max_length=16)
    progress: int | None = Field(default=None, sa_type=SmallInteger)
    result: Any = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    error: str | None = Field(default=None, sa_type=Text)
    attempt: int = Field(default=0, sa_type=SmallInteger)
    command_id: UUID | None = None
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1)
    bulk_id: int | None = Field(default=None, sa_column=Column(BigInteger, ForeignKey("bulk_actions.id")))
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs=_NOW)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    completed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deadline: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs=_NOW)


class ActionAttempt(Table, table=True):
    """One command to the device; its id is the command's. Its first end stands, also when the action ended before."""

    __table_args__ = (Index("ix_action_attempts_action_id", "action_id", "number"),)

    id: UUID = Field(primary_key=True)
    action_id: int = Field(sa_column=Column(BigInteger, ForeignKey("actions.id", ondelete="CASCADE"), nullable=False))
    device_uid: str = Field(max_length=64)
    number: int = Field(sa_type=SmallInteger)
    state: str = Field(default=AttemptState.SENT, max_length=16)
    progress: int | None = Field(default=None, sa_type=SmallInteger)
    error: str | None = Field(default=None, sa_type=Text)
    error_class: str | None = Field(default=None, max_length=32)
    began_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs=_NOW)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PresentAction(msgspec.Struct, frozen=True):
    """An action as it is read by the thousand: the columns of `Action`, in their order."""

    id: int
    organization_id: int
    device_id: int
    device_uid: str
    type: str
    params: dict[str, Any]
    priority: int
    retry: dict[str, Any]
    state: str
    progress: int | None
    result: Any
    error: str | None
    attempt: int
    command_id: UUID | None
    next_attempt_at: datetime | None
    version: int
    bulk_id: int | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    deadline: datetime
    updated_at: datetime


class Added(NamedTuple):
    """What tells actions apart that one call has added; with `command_id` it has begun."""

    device_id: int
    id: int
    command_id: UUID | None
    at: datetime
    deadline: datetime


class PresentAttempt(msgspec.Struct, frozen=True):
    """What an answer may change of an attempt."""

    id: UUID
    action_id: int
    state: str
    progress: int | None
    error: str | None
    error_class: str | None
    ended_at: datetime | None
