"""What every SQLModel table of Muster has in common."""

import re
from datetime import UTC, datetime

from sqlalchemy import DateTime, MetaData
from sqlalchemy.orm import declared_attr
from sqlalchemy.types import TypeDecorator
from sqlmodel import SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


def table_base() -> type[SQLModel]:
    """A base class with metadata of its own, so that two services in one process do not mix their tables.

    A table's name is its class's in the plural: `RefreshToken` is kept in `refresh_tokens`.
    """

    class Table(SQLModel):
        metadata = MetaData(naming_convention=NAMING)

        @declared_attr.directive
        @classmethod
        def __tablename__(cls) -> str:  # pyright: ignore[reportIncompatibleVariableOverride] - the way SQLAlchemy shows
            return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__).lower() + "s"

    return Table


class UtcDateTime(TypeDecorator[datetime]):
    """`timestamptz` that refuses naive values and answers in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        return value

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        return None if value is None else value.astimezone(UTC)
