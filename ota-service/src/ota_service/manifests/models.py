"""The sequence that orders the sessions of all devices."""

from sqlalchemy import BigInteger, Sequence

from ota_service.fleet.models import Table

COUNTERS = Sequence("update_session_counters", metadata=Table.metadata, data_type=BigInteger)
