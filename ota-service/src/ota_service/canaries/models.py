"""What was asked of monitoring about waves."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime


class ReleaseCanary(Table, table=True):
    """A question about a wave. It has one verdict, given once, which is `inconclusive` after the deadline.

    One that does not stand any more was asked anew; one that is `waived` keeps nothing from going on.
    """

    __tablename__ = "release_canaries"  # pyright: ignore[reportAssignmentType] - as SQLModel shows
    __table_args__ = (
        Index("uq_release_canaries_wave_id_stands", "wave_id", unique=True, postgresql_where=text("stands")),
        Index("ix_release_canaries_release_id", "release_id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(sa_type=BigInteger)
    release_id: int = Field(sa_column=Column(BigInteger, ForeignKey("releases.id", ondelete="CASCADE"), nullable=False))
    wave_id: int = Field(
        sa_column=Column(BigInteger, ForeignKey("release_waves.id", ondelete="CASCADE"), nullable=False)
    )
    criteria: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    begins_at: datetime = Field(sa_type=UtcDateTime)
    ends_at: datetime = Field(sa_type=UtcDateTime)
    deadline: datetime = Field(sa_type=UtcDateTime)
    verdict: str | None = Field(default=None, max_length=16)
    detail: str | None = Field(default=None, max_length=500)
    figures: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True)))
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    stands: bool = Field(default=True)
    waived: bool = Field(default=False)
