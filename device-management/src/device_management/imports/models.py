"""Imports, and the rows of their files that are still to be carried out or were refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Text, text
from sqlmodel import Field

from device_management.imports.states import ImportState
from device_management.tables import Table
from shared.sql.models import UtcDateTime


@dataclass(frozen=True, slots=True)
class Row:
    """One device of a file, or why there is none on this line."""

    line: int
    device: Mapping[str, Any] | None
    error: str | None = None


class Import(Table, table=True):
    """One file. Whoever holds the row's lock carries the import on; rows up to `done_to` are done.

    `failures` counts the attempts at the present chunk that failed.
    """

    __table_args__ = (
        Index("ix_imports_open", "next_attempt_at", postgresql_where=text("state in ('pending', 'running')")),
        Index("ix_imports_organization_id_id", "organization_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id")
    filename: str | None = Field(default=None, max_length=255)
    format: str = Field(max_length=8)
    policy: str = Field(max_length=8)
    state: str = Field(default=ImportState.PENDING, max_length=16)
    total: int = Field(default=0)
    done_to: int = Field(default=0)
    created: int = Field(default=0)
    updated: int = Field(default=0)
    unchanged: int = Field(default=0)
    skipped: int = Field(default=0)
    refused: int = Field(default=0)
    failures: int = Field(default=0)
    error: str | None = Field(default=None, sa_column=Column(Text))
    actor_kind: str = Field(max_length=16)
    actor_id: str | None = Field(default=None, max_length=64)
    actor_name: str | None = Field(default=None, max_length=254)
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    next_attempt_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ImportRow(Table, table=True):
    """A row that waits, or one that was refused and why. A row that is done is deleted.

    `document` is the device as JSON text; it may hold what jsonb does not.
    """

    import_id: int = Field(sa_column=Column(BigInteger, ForeignKey("imports.id", ondelete="CASCADE"), primary_key=True))
    number: int = Field(primary_key=True)
    line: int
    device_uid: str | None = Field(default=None, sa_column=Column(Text))
    document: str | None = Field(default=None, sa_column=Column(Text))
    code: str | None = Field(default=None, max_length=64)
    error: str | None = Field(default=None, sa_column=Column(Text))
