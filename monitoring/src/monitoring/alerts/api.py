"""Alerts over REST."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from monitoring.alert_rules.states import Severity
from monitoring.alerts.errors import AlertIsCleared, AlertNotFound, TooManyComments
from monitoring.alerts.schemas import AlertDetail, AlertRead, CommentCreate
from monitoring.alerts.service import AlertService
from monitoring.alerts.states import State
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.idempotency import IDEMPOTENCY_KEY, IdempotencyKeyReused
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import TAGGED, IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/alerts", tags=["alerts"])

Alerts = Annotated[AlertService, use(AlertService)]
Reader = Annotated[Principal, requires("telemetry:read")]
Writer = Annotated[Principal, requires("alerts:write")]
Key = Annotated[str | None, IDEMPOTENCY_KEY, raises(IdempotencyKeyReused)]
AlertId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$"), raises(AlertNotFound)]


@router.get("")
async def page(
    who: Reader,
    alerts: Alerts,
    request: Request,
    response: Response,
    state: State | None = None,
    severity: Severity | None = None,
    device_uid: Annotated[str | None, Query(pattern=f"^{DEVICE_UID.pattern}$")] = None,
    rule: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$", description="The id of a rule")] = None,
    acknowledged: bool | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[AlertRead]:
    """The organization's alerts, newest first, open and past ones unless `state` says which."""
    found = await alerts.page(
        who.organization_id,
        state=state,
        severity=severity,
        device_uid=device_uid,
        rule_id=rule,
        acknowledged=acknowledged,
        cursor=cursor,
        limit=limit,
    )
    link_next(request, response, found.next)
    return found


@router.get("/{alert_id}", responses={200: TAGGED})
async def get(alert_id: AlertId, who: Reader, alerts: Alerts, response: Response) -> AlertDetail:
    return tagged(response, await alerts.get(who.organization_id, alert_id))


@router.post("/{alert_id}/acknowledge")
@raises(AlertIsCleared)
async def acknowledge(
    alert_id: AlertId, who: Writer, alerts: Alerts, expected: IfMatch, response: Response
) -> AlertDetail:
    """Says that the caller looks after it. It stays open until its condition ends or somebody clears it."""
    return tagged(response, await alerts.acknowledge(who.organization_id, alert_id, by=who.subject, expected=expected))


@router.post("/{alert_id}/comments", status_code=201, responses={201: TAGGED})
@raises(TooManyComments)
async def comment(
    alert_id: AlertId, body: CommentCreate, who: Writer, alerts: Alerts, response: Response, key: Key = None
) -> AlertDetail:
    return tagged(response, await alerts.comment(who.organization_id, alert_id, body.text, by=who.subject, key=key))


@router.post("/{alert_id}/clear")
@raises(AlertIsCleared)
async def clear(alert_id: AlertId, who: Writer, alerts: Alerts, expected: IfMatch, response: Response) -> AlertDetail:
    """Ends it. While its condition still holds no other opens in its place."""
    return tagged(response, await alerts.clear(who.organization_id, alert_id, by=who.subject, expected=expected))
