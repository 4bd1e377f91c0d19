"""Mass configuration over REST: jobs, and the older words for them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from device_management.audit.schemas import Actor
from device_management.groups.errors import GroupNotFound
from device_management.mass_configuration.errors import JobNotFound, NothingToRetry, WrongJobState
from device_management.mass_configuration.schemas import (
    ItemRead,
    JobCreate,
    JobRead,
    SiteStarts,
    Started,
    WorkflowStart,
    WorkflowStatus,
)
from device_management.mass_configuration.service import JobService
from device_management.mass_configuration.states import ItemState
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

router = APIRouter(prefix="/configuration/jobs", tags=["configuration"])
workflows = APIRouter(tags=["workflows"])

Jobs = Annotated[JobService, use(JobService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]
JobId = Annotated[UUID, raises(JobNotFound)]


@router.post("", status_code=202)
@raises(BadQuery, QueryTooSlow, GroupNotFound)
async def start(body: JobCreate, who: Writer, jobs: Jobs, answer: Annotated[Once, Depends(once)]) -> JobRead:
    """Configures many devices alike: those named, those a query finds now, or the members of a group."""
    return await answer.keep(await jobs.start(who.organization_id, body, by=Actor.of(who)))


@router.get("")
async def page(
    who: Reader, jobs: Jobs, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[JobRead]:
    """The organization's jobs, newest first."""
    found = await jobs.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{job_id}")
async def get_job(job_id: JobId, who: Reader, jobs: Jobs) -> JobRead:
    return await jobs.get(who.organization_id, job_id)


@router.get("/{job_id}/items")
async def items(
    job_id: JobId,
    who: Reader,
    jobs: Jobs,
    request: Request,
    response: Response,
    state: ItemState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ItemRead]:
    """What became of each device, by uid."""
    found = await jobs.items(who.organization_id, job_id, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.post("/{job_id}/pause")
@raises(WrongJobState)
async def pause(job_id: JobId, who: Writer, jobs: Jobs) -> JobRead:
    """Nobody more is asked until it is resumed; who has been asked goes on."""
    return await jobs.pause(who.organization_id, job_id, by=Actor.of(who))


@router.post("/{job_id}/resume")
@raises(WrongJobState)
async def resume(job_id: JobId, who: Writer, jobs: Jobs) -> JobRead:
    return await jobs.resume(who.organization_id, job_id, by=Actor.of(who))


@router.post("/{job_id}/cancel")
@raises(WrongJobState)
async def cancel(job_id: JobId, who: Writer, jobs: Jobs) -> JobRead:
    """What has not begun will not; what has, ends by itself and is counted."""
    return await jobs.cancel(who.organization_id, job_id, by=Actor.of(who))


@router.post("/{job_id}/retry", status_code=202)
@raises(WrongJobState, NothingToRetry)
async def retry(job_id: JobId, who: Writer, jobs: Jobs) -> JobRead:
    """Asks the devices again for which it failed; the run's id is new."""
    return await jobs.retry(who.organization_id, job_id, by=Actor.of(who))


@workflows.post("/config/start", status_code=202)
@raises(BadQuery, QueryTooSlow)
async def start_workflow(
    body: WorkflowStart, who: Writer, jobs: Jobs, answer: Annotated[Once, Depends(once)]
) -> Started:
    """Configures the devices that a query finds now; `/api/config/status` tells how that goes."""
    job = JobCreate(rql=body.rql_query, device_uids=body.device_uids, params=body.config_params)
    return await answer.keep(_started(await jobs.start(who.organization_id, job, by=Actor.of(who))))


@workflows.get("/config/status")
@raises(JobNotFound)
async def workflow_status(
    who: Reader,
    jobs: Jobs,
    workflow_id: Annotated[UUID, Query(alias="workflowID")],
    run_id: Annotated[UUID | None, Query(alias="runID")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    cursor: Cursor = None,
) -> WorkflowStatus:
    """Progress, and success or failure of each device (or site), with the reason."""
    return await jobs.status(who.organization_id, workflow_id, run_id=run_id, cursor=cursor, limit=limit)


@workflows.post("/sites/create", status_code=202)
async def create_sites(
    body: SiteStarts,
    who: Writer,
    jobs: Jobs,
    answer: Annotated[Once, Depends(once)],
) -> Started:
    """Creates sites, each on its own; `/api/config/status` tells which succeeded."""
    return await answer.keep(_started(await jobs.create_sites(who.organization_id, body, by=Actor.of(who))))


def _started(job: JobRead) -> Started:
    return Started(workflowID=job.id, runID=job.run_id)
