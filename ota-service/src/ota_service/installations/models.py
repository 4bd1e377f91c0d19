"""What updates have brought onto each device."""

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime


class Installation(Table, table=True):
    """The firmware of this name that an update put on the device last, by the session with that counter.

    `confirmed_id` is the last one with which an update was completed: what to go back to.
    """

    device_uid: str = Field(max_length=64, primary_key=True)
    firmware_name: str = Field(max_length=64, primary_key=True)
    organization_id: int = Field(sa_type=BigInteger)
    firmware_id: int = Field(sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=False, index=True))
    version: str = Field(max_length=64)
    release_counter: int = Field(sa_type=BigInteger)
    session_counter: int = Field(sa_type=BigInteger)
    confirmed_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=True, index=True)
    )
    installed_at: datetime = Field(sa_type=UtcDateTime)
