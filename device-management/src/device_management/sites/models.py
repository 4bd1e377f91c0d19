"""Sites, the links to them, and the devices heard there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field

from device_management.sites.states import LinkState
from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Site(Table, table=True):
    """Where the broker is and how to get in. `version` counts the changes; the password is sealed."""

    __table_args__ = (UniqueConstraint("organization_id", "name"), UniqueConstraint("organization_id", "id"))

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id")
    name: str = Field(max_length=100)
    host: str = Field(max_length=253)
    port: int
    username: str | None = Field(default=None, max_length=128)
    password: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    tls: bool = Field(default=False)
    ca_certificate: str | None = Field(default=None, sa_column=Column(Text))
    client_id: str = Field(max_length=32)
    """As whom the platform connects: the site's broker keeps the session under it, whichever worker comes."""
    topic_template: str = Field(max_length=200)
    description: str | None = Field(default=None, max_length=500)
    enabled: bool = Field(default=True)
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class SiteLink(Table, table=True):
    """What a worker says of the link it keeps; the lease is by the database's clock."""

    site_id: int = Field(sa_column=Column(BigInteger, ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True))
    holder: str | None = Field(default=None, max_length=64)
    held_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    state: str = Field(
        default=LinkState.WAITING, max_length=16, sa_column_kwargs={"server_default": str(LinkState.WAITING)}
    )
    error: str | None = Field(default=None, max_length=300)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    last_message_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    forwarded: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    unknown: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    refused: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


class SiteDevice(Table, table=True):
    """A device heard at a site. Both belong to one organization: the keys themselves say so."""

    __table_args__ = (
        ForeignKeyConstraint(["organization_id", "site_id"], ["sites.organization_id", "sites.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["organization_id", "device_id"], ["devices.organization_id", "devices.id"], ondelete="CASCADE"
        ),
    )

    site_id: int = Field(sa_type=BigInteger, primary_key=True)
    device_id: int = Field(sa_type=BigInteger, primary_key=True, index=True)
    organization_id: int
    first_heard_at: datetime = Field(sa_type=UtcDateTime)
    last_heard_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class HeardDevice:
    """A device at a site, as a page shows it."""

    device_id: int
    device_uid: str
    first_heard_at: datetime
    last_heard_at: datetime


@dataclass(frozen=True)
class Tally:
    """What passed a link since the last tally: samples' messages, by outcome."""

    forwarded: int = 0
    unknown: int = 0
    """From no device of the organization."""
    refused: int = 0
    """Too large for telemetry."""

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.forwarded + other.forwarded, self.unknown + other.unknown, self.refused + other.refused)

    def minus(self, other: "Tally") -> "Tally":
        return Tally(self.forwarded - other.forwarded, self.unknown - other.unknown, self.refused - other.refused)
