"""The firmware table, and what is known of a stored blob."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from ota_service.firmware.states import FirmwareState
from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime

PIECE = 256 * 1024
"""Bytes of a file that are hashed together beside the whole, so that any part of it can be checked when it is read."""


class Firmware(Table, table=True):
    """One image. `release_counter` grows with every upload of the same name: a device refuses to go below its own.

    The three digests are those of the stored bytes, in hex; hawkBit clients ask for the older two. `pieces` holds the
    raw SHA-256 of each PIECE bytes in turn. Without `hardware_versions` (sorted) it fits every device.
    """

    __table_args__ = (
        UniqueConstraint("organization_id", "name", "version"),
        UniqueConstraint("organization_id", "name", "release_counter"),
        Index("ix_firmwares_organization_id_id", "organization_id", "id"),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(sa_type=BigInteger)
    name: str = Field(max_length=64)
    version: str = Field(max_length=64)
    filename: str = Field(max_length=200)
    hardware_versions: list[str] = Field(sa_column=Column(ARRAY(String(64)), nullable=False))
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    sha1: str = Field(max_length=40)
    md5: str = Field(max_length=32)
    pieces: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    blob: str = Field(max_length=200, unique=True)
    release_counter: int = Field(sa_type=BigInteger)
    state: str = Field(default=FirmwareState.UPLOADED, max_length=16)
    uploaded_by: str = Field(max_length=64)
    uploaded_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    approved_by: str | None = Field(default=None, max_length=64)
    """Whose approval was the last one needed."""
    approved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_by: str | None = Field(default=None, max_length=64)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_because: str | None = Field(default=None, max_length=500)

    def fits(self, hardware_version: str | None) -> bool:
        return not self.hardware_versions or hardware_version in self.hardware_versions

    @property
    def etag(self) -> str:
        return f'"{self.sha256}"'


class FirmwareApproval(Table, table=True):
    """That somebody approved a firmware: once each."""

    firmware_id: int = Field(sa_column=Column(BigInteger, ForeignKey("firmwares.id"), primary_key=True))
    by: str = Field(max_length=64, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("clock_timestamp()")})


class FirmwarePolicy(Table, table=True):
    """What an organization asks of firmware; one without a row asks for a single approval."""

    __tablename__ = "firmware_policies"  # pyright: ignore[reportAssignmentType, reportIncompatibleVariableOverride]
    __table_args__ = (CheckConstraint("approvals between 1 and 10", name="approvals"),)

    organization_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    approvals: int = Field(default=1)
    version: int = Field(default=1, sa_type=BigInteger)
    changed_by: str = Field(max_length=64)
    changed_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("clock_timestamp()")})


@dataclass(frozen=True)
class Stored:
    """A blob and the digests of its bytes; see Firmware."""

    blob: str
    size: int
    sha256: str
    sha1: str
    md5: str
    pieces: bytes
