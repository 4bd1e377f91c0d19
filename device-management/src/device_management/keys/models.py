"""Keys, without the tokens themselves: those are signed, shown once and verified offline."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Column, ForeignKey, Index, Integer, String
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Key(Table, table=True):
    """`id` is the token's own id; `user_id` is whom an API key speaks for, and nobody for a gateway."""

    __table_args__ = (Index("ix_keys_organization_id", "organization_id", "kind", "id"),)

    id: UUID = Field(primary_key=True)
    organization_id: int = Field(foreign_key="organizations.id")
    kind: str = Field(max_length=16)
    user_id: int | None = Field(
        default=None, sa_column=Column(Integer, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    )
    name: str = Field(max_length=200)
    scopes: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String(64)), nullable=False))
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


@dataclass(frozen=True)
class Gateway:
    """What decides what a gateway may do, and whether its open connections may go on."""

    id: UUID
    organization_id: int
    name: str
    expires_at: datetime
    revoked: bool
    suspended: bool
    """Whether its whole organization is."""
