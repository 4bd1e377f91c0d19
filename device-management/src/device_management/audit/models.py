"""The audit log's table."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class AuditEntry(Table, table=True):
    """One change of one subject. A trigger refuses to update or delete rows.

    It refers to no other table: whoever writes one holds what it tells of, and it outlives that.
    """

    __tablename__ = "audit_entries"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]
    __table_args__ = (Index("ix_audit_entries_subject", "organization_id", "subject_kind", "subject_id", "id"),)

    organization_id: int = Field(primary_key=True)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    subject_kind: str = Field(max_length=32)
    subject_id: str = Field(max_length=128)
    action: str = Field(max_length=64)
    actor_kind: str = Field(max_length=16)
    actor_id: str | None = Field(default=None, max_length=64)
    actor_name: str | None = Field(default=None, max_length=254)
    before: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    after: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("clock_timestamp()")})
    correlation_id: str | None = Field(default=None, max_length=128)
