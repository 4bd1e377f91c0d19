"""The history of presence over REST."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from monitoring.fleet.errors import DeviceNotFound
from monitoring.telemetry.errors import BadTimeRange
from monitoring.uptime.schemas import UptimeRead
from monitoring.uptime.service import UptimeService
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.moments import QueryMoment
from shared.http.pagination import Cursor, Limit
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/presence", tags=["presence"])


@router.get("/{uid}/history")
@raises(DeviceNotFound, BadTimeRange)
async def history(
    uid: Annotated[str, Path(pattern=f"^{DEVICE_UID.pattern}$")],
    who: Annotated[Principal, requires("devices:read")],
    uptime: Annotated[UptimeService, use(UptimeService)],
    start: Annotated[QueryMoment | None, Query(alias="from")] = None,
    end: Annotated[QueryMoment | None, Query(alias="to")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> UptimeRead:
    """When the device was online, the newest interval first, and how much of the time; of the last week unless said."""
    return await uptime.history(who.organization_id, uid, start=start, end=end, cursor=cursor, limit=limit)
