"""Telemetry over REST."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from monitoring.fleet.errors import DeviceNotFound
from monitoring.telemetry.errors import BadTimeRange
from monitoring.telemetry.schemas import LatestRead, SampleRead
from monitoring.telemetry.service import TelemetryService
from shared.contracts.routes import DEVICE_UID
from shared.contracts.telemetry import METRIC_NAME
from shared.http.declared import raises
from shared.http.moments import QueryMoment
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/telemetry", tags=["telemetry"])

Telemetry = Annotated[TelemetryService, use(TelemetryService)]
Reader = Annotated[Principal, requires("telemetry:read")]
Uid = Annotated[str, Query(pattern=f"^{DEVICE_UID.pattern}$"), raises(DeviceNotFound)]
Metric = Annotated[str, Query(pattern=f"^{METRIC_NAME.pattern}$", description="Only samples that hold this metric")]


@router.get("")
@raises(BadTimeRange)
async def history(
    who: Reader,
    telemetry: Telemetry,
    request: Request,
    response: Response,
    device_uid: Uid,
    metric: Metric | None = None,
    start: Annotated[QueryMoment | None, Query(alias="from")] = None,
    end: Annotated[QueryMoment | None, Query(alias="to")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[SampleRead]:
    """A device's samples by its own clock, oldest first, from `from` to before `to`."""
    found = await telemetry.history(
        who.organization_id, device_uid, metric=metric, start=start, end=end, cursor=cursor, limit=limit
    )
    link_next(request, response, found.next)
    return found


@router.get("/latest")
async def latest(
    who: Reader,
    telemetry: Telemetry,
    request: Request,
    response: Response,
    device_uid: Uid | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LatestRead]:
    """The newest value of every metric: of the devices that have reported, by uid, or of one device."""
    found = await telemetry.latest(who.organization_id, uid=device_uid, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found
