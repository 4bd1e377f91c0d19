"""Rotations under way, and what decides whether a token is good."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class TokenRotation(Table, table=True):
    """From `due_at` on, by the database's clock, the device's tokens below `generation` are refused."""

    __table_args__ = (Index("ix_token_rotations_due_at", "due_at"),)

    device_id: int = Field(sa_column=Column(BigInteger, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True))
    generation: int = Field(primary_key=True)
    organization_id: int
    due_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class Credential:
    """What decides whether a device's token is good, and its open connections with it."""

    device_uid: str
    organization_id: int
    lifecycle: str
    min_token_generation: int
    token_expires_at: datetime | None
    tokens_revoked_at: datetime | None
    suspended: bool = False
    """Whether its whole organization is."""
