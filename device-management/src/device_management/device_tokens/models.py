"""Rotations under way: when the tokens before a generation end."""

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
