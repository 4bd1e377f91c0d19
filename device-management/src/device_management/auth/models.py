"""People, their sign-ins, and the refresh tokens of each sign-in (as hashes alone)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, LargeBinary, String, Text, text
from sqlmodel import Field

from device_management.tables import Table
from shared.sql.models import UtcDateTime


class User(Table, table=True):
    """`email` is stored in lower case and unique on the whole platform: it is a login.

    `scopes` are those beside the roles'. Access tokens below `token_generation` are refused.
    """

    id: int | None = Field(default=None, primary_key=True)
    organization_id: int = Field(foreign_key="organizations.id", index=True)
    email: str = Field(max_length=254, unique=True)
    name: str = Field(max_length=200)
    password_hash: str
    roles: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String(64)), nullable=False))
    scopes: list[str] = Field(default_factory=list, sa_column=Column(ARRAY(String(64)), nullable=False))
    active: bool = Field(default=True)
    token_generation: int = Field(default=1)
    version: int = Field(default=1, sa_column=Column(BigInteger, nullable=False, server_default="1"))
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    updated_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})


class SignIn(Table, table=True):
    """One sign-in and everything refreshed from it: a family of refresh tokens. Once ended it stays ended."""

    id: UUID = Field(primary_key=True)
    user_id: int = Field(sa_column=Column(ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True))
    created_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_because: str | None = Field(default=None, sa_column=Column(Text))


class RefreshToken(Table, table=True):
    """A random secret, kept as its SHA-256. It is used once; a second use means that somebody has stolen it."""

    digest: bytes = Field(sa_column=Column(LargeBinary(32), primary_key=True))
    sign_in_id: UUID = Field(
        sa_column=Column(ForeignKey("sign_ins.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
