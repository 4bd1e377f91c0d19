"""The tables of groups and of the members of fixed ones."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Identity, Index, Text, UniqueConstraint, text
from sqlmodel import Field

from device_management.groups.states import GroupKind
from device_management.tables import Table
from shared.sql.models import UtcDateTime


class Group(Table, table=True):
    """`rql` is the query of a query group; a fixed group has none. `version` counts the changes, members apart."""

    __table_args__ = (UniqueConstraint("organization_id", "name"), UniqueConstraint("organization_id", "id"))

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    organization_id: int = Field(foreign_key="organizations.id")
    name: str = Field(max_length=200)
    description: str | None = Field(default=None, max_length=500)
    rql: str | None = Field(default=None, sa_column=Column(Text))
    version: int = Field(default=1, sa_type=BigInteger)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def kind(self) -> GroupKind:
        return GroupKind.FIXED if self.rql is None else GroupKind.QUERY


class GroupMember(Table, table=True):
    """A device in a fixed group. Both belong to one organization: the keys themselves say so."""

    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "group_id"], ["groups.organization_id", "groups.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["organization_id", "device_id"], ["devices.organization_id", "devices.id"], ondelete="CASCADE"
        ),
        Index("ix_group_members_device_id", "device_id"),
    )

    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    device_id: int = Field(sa_type=BigInteger, primary_key=True)
    organization_id: int
    added_at: datetime = Field(sa_type=UtcDateTime, sa_column_kwargs={"server_default": text("now()")})


@dataclass(frozen=True)
class ChosenDevice:
    """A device as far as those need it who do something with many."""

    id: int
    device_uid: str
