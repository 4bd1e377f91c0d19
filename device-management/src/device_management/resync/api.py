"""Resyncs over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from device_management.resync.errors import ResyncForbidden, ResyncNotFound
from device_management.resync.schemas import ResyncCreate, ResyncRead
from device_management.resync.service import ResyncService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/devices/resync", tags=["devices"])

Resyncs = Annotated[ResyncService, use(ResyncService)]
Anyone = Annotated[Principal, requires()]
Reader = Annotated[Principal, requires("devices:read")]
ResyncId = Annotated[int, Path(ge=1, lt=2**63), raises(ResyncNotFound)]


@router.post("", status_code=202)
@raises(ResyncForbidden)
async def begin(
    who: Anyone, resyncs: Resyncs, answer: Annotated[Once, Depends(once)], body: ResyncCreate | None = None
) -> ResyncRead:
    """Tells every device's present state again, so that copies that lost it are whole. It goes on by itself.

    So are organizations and groups, and with `all` what is refused.

    For the own organization with `organization:admin`, for all of them with `platform:admin`.
    """
    begun = await resyncs.begin(who.organization_id, body or ResyncCreate(), by=who.subject, scopes=who.scopes)
    return await answer.keep(begun)


@router.get("/{resync_id}")
async def get(resync_id: ResyncId, who: Reader, resyncs: Resyncs) -> ResyncRead:
    """How far it is."""
    return await resyncs.get(who.organization_id, resync_id)
