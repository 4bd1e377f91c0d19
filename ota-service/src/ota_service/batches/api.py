"""Batches over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ota_service.batches.errors import BatchNotFound, BatchOfRelease, BatchTooLarge, NothingToRetry, WrongBatchState
from ota_service.batches.schemas import BatchCreate, BatchDetail, BatchDeviceRead, BatchPreview, BatchRead
from ota_service.batches.service import BatchService
from ota_service.batches.states import BatchState, DeviceState
from ota_service.firmware.errors import FirmwareNotApproved, FirmwareNotFound, FirmwareWithdrawn
from ota_service.fleet.errors import GroupNotFound
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

router = APIRouter(prefix="/updates/batches", tags=["batches"])

Batches = Annotated[BatchService, use(BatchService)]
Reader = Annotated[Principal, requires("updates:read")]
Writer = Annotated[Principal, requires("updates:write")]
BatchId = Annotated[int, Path(ge=1, lt=2**63), raises(BatchNotFound)]
DryRun = Annotated[bool, Query(description="Counts what the batch would come to, and writes nothing")]


@router.post("", status_code=202, responses={200: {"model": BatchPreview, "description": "A dry run"}})
@raises(FirmwareNotFound, FirmwareNotApproved, FirmwareWithdrawn, GroupNotFound, BadQuery, QueryTooSlow, BatchTooLarge)
async def create(
    body: BatchCreate,
    who: Writer,
    batches: Batches,
    answer: Annotated[Once, Depends(once)],
    response: Response,
    dry_run: DryRun = False,
) -> BatchRead | BatchPreview:
    """Updates many devices with one approved firmware; its devices are frozen now, each told of in `/devices`."""
    if dry_run:
        response.status_code = 200
        return await answer.keep(await batches.preview(who.organization_id, body), status=200)
    return await answer.keep(await batches.order(who.organization_id, who.subject, body))


@router.get("")
async def page(
    who: Reader,
    batches: Batches,
    request: Request,
    response: Response,
    state: BatchState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchRead]:
    """The organization's batches, the newest first; those that carry a release out are told of there."""
    found = await batches.page(who.organization_id, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{batch_id}")
async def get(batch_id: BatchId, who: Reader, batches: Batches, limit: Limit = 50) -> BatchDetail:
    """One batch with the first of its devices."""
    return await batches.get(who.organization_id, batch_id, limit=limit)


@router.get("/{batch_id}/devices")
async def devices(
    batch_id: BatchId,
    who: Reader,
    batches: Batches,
    request: Request,
    response: Response,
    state: DeviceState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[BatchDeviceRead]:
    """What became of each device, by uid, with the reason."""
    found = await batches.devices(who.organization_id, batch_id, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.post("/{batch_id}/start")
@raises(BatchOfRelease, WrongBatchState)
async def start(batch_id: BatchId, who: Writer, batches: Batches) -> BatchRead:
    """Begins a scheduled batch now."""
    return await batches.start(who.organization_id, batch_id)


@router.post("/{batch_id}/cancel")
@raises(BatchOfRelease, WrongBatchState)
async def cancel(batch_id: BatchId, who: Writer, batches: Batches) -> BatchRead:
    """What has not begun will not, and open sessions are cancelled; cancelling again changes nothing."""
    return await batches.cancel(who.organization_id, batch_id)


@router.post("/{batch_id}/retry", status_code=202)
@raises(BatchOfRelease, NothingToRetry, WrongBatchState)
async def retry(batch_id: BatchId, who: Writer, batches: Batches) -> BatchRead:
    """Gives the devices that failed another turn."""
    return await batches.retry_failed(who.organization_id, batch_id)


@router.post("/{batch_id}/rollback", status_code=202)
@raises(BatchOfRelease, WrongBatchState)
async def rollback(
    batch_id: BatchId, who: Writer, batches: Batches, answer: Annotated[Once, Depends(once)]
) -> BatchRead:
    """Takes the batch back: another batch, of exactly the devices that it updated, to what each ran before."""
    return await answer.keep(await batches.rollback(who.organization_id, batch_id, who.subject))
