"""The audit log over REST."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from device_management.audit.schemas import AuditEntryRead
from device_management.audit.service import AuditService
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/audit", tags=["audit"])


@router.get("")
async def page(
    who: Annotated[Principal, requires("organization:admin")],
    audit: Annotated[AuditService, use(AuditService)],
    request: Request,
    response: Response,
    subject_kind: Annotated[str | None, Query(max_length=32, pattern=r"^[a-z_]+$")] = None,
    subject_id: Annotated[str | None, Query(max_length=128, pattern=r"^[\x21-\x7e]+$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AuditEntryRead]:
    """Every change in the organization, newest first; one subject's by its kind and id."""
    found = await audit.page(who.organization_id, kind=subject_kind, subject_id=subject_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found
