"""The copy of presence."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field

from ota_service.fleet.models import Table
from shared.sql.models import UtcDateTime


class DevicePresence(Table, table=True):
    """Presence as of `version`, which is monitoring's and only grows; a device that never connected has no row.

    `heard_at` is when this service heard of the change, by the database's clock.
    """

    device_uid: str = Field(max_length=64, primary_key=True)
    organization_id: int = Field(sa_type=BigInteger)
    online: bool
    version: int = Field(sa_type=BigInteger)
    heard_at: datetime = Field(sa_type=UtcDateTime)
