"""Releases over REST, for people."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from ota_service.release_documents.errors import ReleaseInvalid
from ota_service.release_documents.schemas import ReleaseDocument
from ota_service.releases.errors import (
    EntityNotFound,
    GateClosed,
    NothingToRetry,
    ReleaseNotApproved,
    ReleaseNotFound,
    SlugTaken,
    WrongReleaseState,
)
from ota_service.releases.schemas import (
    AppNode,
    BundleNode,
    ClusterNode,
    DryRun,
    ReleaseDetail,
    ReleaseNode,
    ReleaseRead,
    ResumeRequest,
    WaveNode,
)
from ota_service.releases.service import ReleaseService
from ota_service.releases.states import ReleaseState
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import QueryTooSlow

router = APIRouter(prefix="/releases", tags=["releases"])
entities = APIRouter(prefix="/entities", tags=["releases"])

Releases = Annotated[ReleaseService, use(ReleaseService)]
Reader = Annotated[Principal, requires("updates:read")]
Writer = Annotated[Principal, requires("updates:write")]
Approver = Annotated[Principal, requires("updates:approve")]
Name = Annotated[
    str, Path(max_length=80, description="A release's slug, or its id `release:<slug>`"), raises(ReleaseNotFound)
]


@router.post("", status_code=201, responses={200: {"model": DryRun, "description": "A dry run"}})
@raises(ReleaseInvalid, SlugTaken, QueryTooSlow)
async def create(
    body: ReleaseDocument,
    who: Writer,
    releases: Releases,
    answer: Annotated[Once, Depends(once)],
    response: Response,
    dry_run: Annotated[bool, Query(description="Only say what it would come to now")] = False,
) -> ReleaseRead | DryRun:
    """Draws up a release; it waits as a draft for its start."""
    if dry_run:
        response.status_code = 200
        return await answer.keep(await releases.dry_run(who.organization_id, body), status=200)
    return await answer.keep(await releases.create(who.organization_id, who.subject, body))


@router.get("")
async def page(
    who: Reader,
    releases: Releases,
    request: Request,
    response: Response,
    state: ReleaseState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ReleaseRead]:
    """The organization's releases with the counts of their waves, the newest first."""
    found = await releases.page(who.organization_id, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{release_id}")
async def get(release_id: Name, who: Reader, releases: Releases) -> ReleaseDetail:
    """One release, with the state and the counts of its waves, its document and what happened to it."""
    return await releases.get(who.organization_id, release_id)


@router.get("/{release_id}/hierarchy")
async def hierarchy(release_id: Name, who: Reader, releases: Releases) -> ReleaseNode:
    """The whole tree: waves, clusters, bundles and apps, each with its state and progress."""
    return await releases.hierarchy(who.organization_id, release_id)


@router.post("/{release_id}/approve")
@raises(WrongReleaseState)
async def approve(release_id: Name, who: Approver, releases: Releases) -> ReleaseRead:
    """Lets a draft that asks for it start."""
    return await releases.approve(who.organization_id, release_id, who.subject)


@router.post("/{release_id}/start")
@raises(WrongReleaseState, ReleaseNotApproved, ReleaseInvalid)
async def start(release_id: Name, who: Writer, releases: Releases) -> ReleaseRead:
    """Begins, now or at the time that its document says."""
    return await releases.start(who.organization_id, release_id, who.subject)


@router.post("/{release_id}/pause")
@raises(WrongReleaseState)
async def pause(release_id: Name, who: Writer, releases: Releases) -> ReleaseRead:
    """No more devices begin; those that have begun go on."""
    return await releases.pause(who.organization_id, release_id, who.subject)


@router.post("/{release_id}/resume")
@raises(WrongReleaseState, GateClosed)
async def resume(release_id: Name, who: Writer, releases: Releases, body: ResumeRequest | None = None) -> ReleaseRead:
    """Goes on. Where a wave has failed its gate, `ignore_failures` says that it may."""
    ignore = body is not None and body.ignore_failures
    return await releases.resume(who.organization_id, release_id, who.subject, ignore_failures=ignore)


@router.post("/{release_id}/retry")
@raises(WrongReleaseState, NothingToRetry)
async def retry(release_id: Name, who: Writer, releases: Releases) -> ReleaseRead:
    """Updates the devices again for which it failed, and goes on."""
    return await releases.retry(who.organization_id, release_id, who.subject)


@router.post("/{release_id}/cancel")
@raises(WrongReleaseState)
async def cancel(release_id: Name, who: Writer, releases: Releases) -> ReleaseRead:
    """Ends it: what has not begun will not, and updates under way are cancelled."""
    return await releases.cancel(who.organization_id, release_id, who.subject)


@router.post("/{release_id}/rollback")
@raises(WrongReleaseState)
async def roll_back(release_id: Name, who: Writer, releases: Releases) -> ReleaseRead:
    """Puts every device that it touched back to what it ran before."""
    return await releases.roll_back(who.organization_id, release_id, who.subject)


@entities.get("/{entity_id}")
@raises(EntityNotFound)
async def entity(
    entity_id: Annotated[str, Path(max_length=260)], who: Reader, releases: Releases
) -> ReleaseNode | WaveNode | ClusterNode | BundleNode | AppNode:
    """A part of a release by its id, like `wave:wave-1`, with everything below it."""
    return await releases.entity(who.organization_id, entity_id)
