"""Accounting over REST."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from monitoring.accounting.errors import TooManyDays
from monitoring.accounting.schemas import AccountingAnswer
from monitoring.accounting.service import AccountingService
from monitoring.fleet.errors import DeviceNotFound
from monitoring.telemetry.errors import BadTimeRange
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.moments import QueryDay
from shared.http.pagination import Cursor, Limit, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/telemetry", tags=["telemetry"])


@router.get("/accounting")
@raises(DeviceNotFound, BadTimeRange, TooManyDays)
async def accounting(
    who: Annotated[Principal, requires("telemetry:read")],
    accounts: Annotated[AccountingService, use(AccountingService)],
    request: Request,
    response: Response,
    device_uid: Annotated[str | None, Query(pattern=f"^{DEVICE_UID.pattern}$")] = None,
    first: Annotated[
        QueryDay | None, Query(alias="from", description="The first day; by default six before the last")
    ] = None,
    last: Annotated[QueryDay | None, Query(alias="to", description="The last day; by default today")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> AccountingAnswer:
    """What became of what devices sent: received = stored + duplicate + expired, and seqs that are missing.

    It follows what comes in by a minute or so.
    """
    found = await accounts.accounts(
        who.organization_id, uid=device_uid, first=first, last=last, cursor=cursor, limit=limit
    )
    link_next(request, response, found.next)
    return found
