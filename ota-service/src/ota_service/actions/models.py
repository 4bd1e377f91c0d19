"""What must be remembered of update actions that no session tells."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, text
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime


class EndedAction(Table, table=True):
    """An update action that had ended before a session was opened for it: news of its start may still come."""

    action_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    organization_id: int = Field(sa_type=BigInteger)
    ended_at: datetime | None = Field(
        default=None,
        sa_type=UtcDateTime,
        nullable=False,
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
