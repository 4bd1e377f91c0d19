"""Webhooks, what is to be delivered to them, and every attempt."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from device_management.tables import Table
from device_management.webhooks.states import DeliveryState
from shared.sql.models import UtcDateTime

_PENDING = text("state = 'pending'")


class Webhook(Table, table=True):
    """Where to send which events. The secrets are sealed; the previous one signs too until `previous_until`."""

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id", index=True)
    url: str = Field(max_length=2_000)
    event_types: list[str] = Field(sa_column=Column(ARRAY(String(64)), nullable=False))
    description: str | None = Field(default=None, max_length=500)
    secret: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    previous_secret: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    previous_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    enabled: bool = Field(default=True)
    disabled_because: str | None = Field(default=None, max_length=16)
    failing_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class WebhookDelivery(Table, table=True):
    """One event for one webhook. `next_attempt_at` is also the lease of the worker that is sending it."""

    __tablename__ = "webhook_deliveries"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        Index("ix_webhook_deliveries_due", "webhook_id", "next_attempt_at", "id", postgresql_where=_PENDING),
        Index("ix_webhook_deliveries_webhook_id_id", "webhook_id", "id"),
        Index("ix_webhook_deliveries_created_at", "created_at"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    webhook_id: int = Field(sa_column=Column(BigInteger, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False))
    event_id: UUID
    event_type: str = Field(max_length=64)
    body: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(default=DeliveryState.PENDING, max_length=16)
    attempts: int = Field(default=0)
    next_attempt_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookAttempt(Table, table=True):
    """`status` is the HTTP status, None when there was no answer; `answer` is how the body began."""

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    delivery_id: int = Field(
        sa_column=Column(
            BigInteger, ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    at: datetime = Field(sa_type=UtcDateTime)
    duration_ms: int
    status: int | None = Field(default=None)
    error: str | None = Field(default=None, max_length=200)
    answer: str | None = Field(default=None, max_length=500)


@dataclass(frozen=True)
class Target:
    """Where a URL leads, as far as its text tells."""

    url: str
    host: str
    port: int


@dataclass(frozen=True)
class Due:
    """A delivery that this worker has taken, with what it takes to send it."""

    delivery_id: int
    webhook_id: int
    event_id: UUID
    body: str
    attempts: int
    """This one included."""
    url: str
    secrets: tuple[bytes, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt."""

    due: Due
    at: datetime
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == 410
