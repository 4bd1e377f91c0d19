"""Alert rules over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from monitoring.alert_rules.errors import AlertRuleNotFound, SilenceInThePast, TooManyAlertRules
from monitoring.alert_rules.schemas import (
    AlertRuleChange,
    AlertRuleCreate,
    AlertRulePreview,
    AlertRuleRead,
    Silence,
)
from monitoring.alert_rules.service import RuleService
from monitoring.fleet.errors import DeviceNotFound, GroupNotFound
from shared.http.declared import raises
from shared.http.idempotency import IDEMPOTENCY_KEY, IdempotencyKeyReused
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import TAGGED, IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery

router = APIRouter(prefix="/alert-rules", tags=["alerts"])

Rules = Annotated[RuleService, use(RuleService)]
Reader = Annotated[Principal, requires("telemetry:read")]
Writer = Annotated[Principal, requires("alerts:write")]
RuleId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$"), raises(AlertRuleNotFound)]
Key = Annotated[str | None, IDEMPOTENCY_KEY, raises(IdempotencyKeyReused)]


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": AlertRulePreview, "description": "A dry run"},
    201: TAGGED,
}


@router.post("", status_code=201, responses=_ANSWERS)
@raises(GroupNotFound, DeviceNotFound, BadQuery, TooManyAlertRules)
async def create(
    body: AlertRuleCreate,
    who: Writer,
    rules: Rules,
    response: Response,
    key: Key = None,
    dry_run: Annotated[bool, Query(description="Only say how many devices it would be about")] = False,
) -> AlertRuleRead | AlertRulePreview:
    """Makes a rule. It counts from now on, also for devices at which its condition holds already."""
    if dry_run:
        response.status_code = 200
        return await rules.preview(who.organization_id, body)
    return tagged(response, await rules.create(who.organization_id, body, by=who.subject, key=key))


@router.get("")
async def page(
    who: Reader, rules: Rules, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[AlertRuleRead]:
    """The organization's rules, oldest first."""
    found = await rules.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{rule_id}")
async def get(rule_id: RuleId, who: Reader, rules: Rules, response: Response) -> AlertRuleRead:
    return tagged(response, await rules.get(who.organization_id, rule_id))


@router.patch("/{rule_id}")
@raises(GroupNotFound, DeviceNotFound, BadQuery)
async def change(
    rule_id: RuleId, body: AlertRuleChange, who: Writer, rules: Rules, expected: IfMatch, response: Response
) -> AlertRuleRead:
    """Changes what the body names; alerts that are open under the rule are looked at anew."""
    return tagged(response, await rules.change(who.organization_id, rule_id, body, expected=expected))


@router.delete("/{rule_id}", status_code=204)
async def delete(rule_id: RuleId, who: Writer, rules: Rules, expected: IfMatch) -> None:
    """Deletes the rule and clears its open alerts; past ones stay."""
    await rules.delete(who.organization_id, rule_id, expected=expected)


@router.post("/{rule_id}/silence")
@raises(SilenceInThePast)
async def silence(
    rule_id: RuleId, body: Silence, who: Writer, rules: Rules, expected: IfMatch, response: Response
) -> AlertRuleRead:
    """No alert of the rule opens until then. What still holds at the end of it alerts then."""
    return tagged(response, await rules.silence(who.organization_id, rule_id, body.until, expected=expected))
