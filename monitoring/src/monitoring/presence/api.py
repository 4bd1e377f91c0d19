"""Presence over REST."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from monitoring.fleet.errors import DeviceNotFound
from monitoring.presence.schemas import PresenceRead
from monitoring.presence.service import PresenceService
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/presence", tags=["presence"])


@router.get("")
@raises(DeviceNotFound)
async def page(
    who: Annotated[Principal, requires("devices:read")],
    presence: Annotated[PresenceService, use(PresenceService)],
    request: Request,
    response: Response,
    device_uid: Annotated[str | None, Query(pattern=f"^{DEVICE_UID.pattern}$")] = None,
    online: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[PresenceRead]:
    """Whether devices are connected: all of the organization's by uid, or one."""
    found = await presence.page(who.organization_id, uid=device_uid, online=online, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found
