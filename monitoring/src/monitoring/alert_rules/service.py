"""Use cases of alert rules: people's, and the book of them that workers keep in memory."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from time import monotonic

from monitoring.alert_rules.errors import AlertRuleNotFound, SilenceInThePast, TooManyAlertRules
from monitoring.alert_rules.models import Condition, Rule
from monitoring.alert_rules.schemas import (
    AlertRuleChange,
    AlertRuleCreate,
    AlertRulePreview,
    AlertRuleRead,
    AnyCondition,
    ScopeBody,
)
from monitoring.alert_rules.states import Kind
from monitoring.alert_rules.store import RuleStore
from monitoring.fleet.models import EVERYTHING, Scope
from monitoring.fleet.service import FleetService
from shared.http.idempotency import IdempotencyKeyReused
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.ids import Ids

MAX_RULES = 500
"""Of an organization."""

_WHOLE_S = 60.0


class RuleService:
    def __init__(self, store: RuleStore, fleet: FleetService, *, ids: Ids) -> None:
        self._store = store
        self._fleet = fleet
        self._ids = ids

    async def create(
        self, organization_id: int, body: AlertRuleCreate, *, by: str, key: str | None = None
    ) -> AlertRuleRead:
        """With `key` once only: the same call again answers with the rule as it is now.

        Raises GroupNotFound, DeviceNotFound, BadQuery, TooManyAlertRules and IdempotencyKeyReused.
        """
        rule_id = _id_of(organization_id, by, key) if key else self._ids.new().hex
        fingerprint = sha256(body.model_dump_json().encode()).hexdigest() if key else None
        if key and (before := await self._store.find_all([rule_id])):
            return _repeated(before[0], fingerprint)
        scope = _scope(body.scope)
        await self._fleet.require(organization_id, scope)
        if await self._store.count(organization_id) >= MAX_RULES:
            raise TooManyAlertRules(f"an organization has at most {MAX_RULES} alert rules")
        now = await self._store.now()
        rule = Rule(
            rule_id=rule_id,
            organization_id=organization_id,
            name=body.name,
            severity=body.severity,
            condition=_condition(body.condition),
            wait=timedelta(seconds=body.for_s),
            scope=scope,
            enabled=body.enabled,
            silenced_until=None,
            deleted=False,
            version=1,
            created_by=by,
            created_at=now,
            updated_at=now,
            fingerprint=fingerprint,
        )
        if await self._store.insert(rule):
            return _read(rule)
        [made] = await self._store.find_all([rule_id])
        return _repeated(made, fingerprint)

    async def preview(self, organization_id: int, body: AlertRuleCreate) -> AlertRulePreview:
        """How many devices it would be about. Raises GroupNotFound, DeviceNotFound and BadQuery."""
        scope = _scope(body.scope)
        await self._fleet.require(organization_id, scope)
        return AlertRulePreview(devices=len(await self._fleet.scope(organization_id, scope)))

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[AlertRuleRead]:
        """Oldest first. Raises BadCursor."""
        after = decode_cursor(cursor, datetime, str) if cursor is not None else None
        rules = await self._store.page(organization_id, after=after, limit=limit + 1)
        items, following = page_of(rules, limit, lambda rule: (rule.created_at, rule.rule_id))
        return Page(items=[_read(rule) for rule in items], next=following)

    async def get(self, organization_id: int, rule_id: str) -> AlertRuleRead:
        """Raises AlertRuleNotFound."""
        return _read(await self._find(organization_id, rule_id))

    async def change(
        self, organization_id: int, rule_id: str, body: AlertRuleChange, *, expected: Expected
    ) -> AlertRuleRead:
        """Raises AlertRuleNotFound, Stale, GroupNotFound, DeviceNotFound and BadQuery."""
        named = body.model_fields_set
        scope = _scope(body.scope)
        if "scope" in named:
            await self._fleet.require(organization_id, scope)

        def changed(rule: Rule) -> Rule:
            return replace(
                rule,
                name=rule.name if body.name is None else body.name,
                severity=rule.severity if body.severity is None else body.severity,
                condition=rule.condition if body.condition is None else _condition(body.condition),
                wait=rule.wait if body.for_s is None else timedelta(seconds=body.for_s),
                scope=scope if "scope" in named else rule.scope,
                enabled=rule.enabled if body.enabled is None else body.enabled,
            )

        return _read(await self._write(organization_id, rule_id, changed, expected))

    async def delete(self, organization_id: int, rule_id: str, *, expected: Expected) -> None:
        """Its open alerts are cleared soon. Raises AlertRuleNotFound and Stale."""
        await self._write(organization_id, rule_id, lambda rule: replace(rule, deleted=True), expected)

    async def silence(
        self, organization_id: int, rule_id: str, until: datetime | None, *, expected: Expected
    ) -> AlertRuleRead:
        """No alert of it opens until then. Raises AlertRuleNotFound, SilenceInThePast and Stale."""
        if until is not None and until <= await self._store.now():
            raise SilenceInThePast
        return _read(
            await self._write(organization_id, rule_id, lambda rule: replace(rule, silenced_until=until), expected)
        )

    async def _write(
        self, organization_id: int, rule_id: str, change: Callable[[Rule], Rule], expected: Expected
    ) -> Rule:
        """The change over the rule as it is; read again when somebody else was quicker."""
        while True:
            before = await self._find(organization_id, rule_id)
            expected.require(before.version)
            after = replace(change(before), version=before.version + 1, updated_at=await self._store.now())
            if await self._store.replace(after, version=before.version):
                return after

    async def _find(self, organization_id: int, rule_id: str) -> Rule:
        rule = await self._store.find(organization_id, rule_id)
        if rule is None:
            raise AlertRuleNotFound
        return rule


@dataclass(frozen=True, slots=True)
class RulesOf:
    """An organization's rules that are on: by the metric they look at, on any data at all, and on presence."""

    metrics: Mapping[str, Sequence[Rule]] = field(default_factory=dict[str, Sequence[Rule]])
    silence: Sequence[Rule] = ()
    presence: Sequence[Rule] = ()


_NONE = RulesOf()


class RuleBook:
    """Every rule that is on, in memory. What was written since the last look is read at most once in `fresh_s`.

    All of it is read again once a minute, in case the database's clock has jumped.
    """

    def __init__(self, store: RuleStore, *, fresh_s: float = 1.0) -> None:
        self._store = store
        self._fresh_s = fresh_s
        self._rules: dict[str, Rule] = {}
        self._organizations: dict[int, RulesOf] = {}
        self._since: datetime | None = None
        self._looked_at = self._whole_at = float("-inf")

    async def refresh(self) -> None:
        """Raises StoreAway."""
        now = monotonic()
        if now - self._looked_at < self._fresh_s:
            return
        whole = self._since is None or now - self._whole_at >= _WHOLE_S
        found, self._since = await self._store.changed(None if whole else self._since)
        self._looked_at = now
        after = {} if whole else dict(self._rules)
        for rule in found:
            after.pop(rule.rule_id, None)
            if rule.is_on:
                after[rule.rule_id] = rule
        if whole:
            self._whole_at = now
        if after != self._rules:
            self._rules = after
            self._organizations = _by_organization(after.values())

    def of(self, organization_id: int) -> RulesOf:
        return self._organizations.get(organization_id, _NONE)

    async def find_all(self, rule_ids: Sequence[str]) -> dict[str, Rule]:
        """As they are in the store now, deleted ones too. Raises StoreAway."""
        return {rule.rule_id: rule for rule in await self._store.find_all(rule_ids)}

    async def to_sweep(self) -> list[Rule]:
        """Rules that were made or changed, whose devices are to be looked at for once. Raises StoreAway."""
        return await self._store.to_sweep()

    async def swept(self, rule: Rule) -> None:
        """Notes that it was done; it comes once more some seconds later, when every worker has heard of the rule."""
        await self._store.swept(rule)


def _by_organization(rules: Iterable[Rule]) -> dict[int, RulesOf]:
    groups: dict[int, list[Rule]] = defaultdict(list)
    for rule in rules:
        groups[rule.organization_id].append(rule)
    return {organization_id: _sorted_out(group) for organization_id, group in groups.items()}


def _sorted_out(rules: Sequence[Rule]) -> RulesOf:
    metrics: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        if rule.condition.metric is not None:
            metrics[rule.condition.metric].append(rule)
    return RulesOf(
        metrics=metrics,
        silence=[rule for rule in rules if rule.condition.kind is Kind.MISSING and rule.condition.metric is None],
        presence=[rule for rule in rules if rule.condition.kind is Kind.PRESENCE],
    )


def _id_of(organization_id: int, by: str, key: str) -> str:
    return sha256(f"{organization_id}\n{by}\n{key}".encode()).hexdigest()[:32]


def _repeated(made: Rule, fingerprint: str | None) -> AlertRuleRead:
    """The answer to a call whose key has made a rule. Raises IdempotencyKeyReused when it was another call."""
    if made.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return _read(made)


def _condition(body: AnyCondition) -> Condition:
    return Condition(**body.model_dump())


def _scope(body: ScopeBody | None) -> Scope:
    if body is None:
        return EVERYTHING
    uids = None if body.device_uids is None else frozenset(body.device_uids)
    return Scope(device_uids=uids, group_id=body.group_id, rql=body.rql)


def _read(rule: Rule) -> AlertRuleRead:
    scope = asdict(rule.scope)
    if rule.scope.device_uids is not None:
        scope["device_uids"] = sorted(rule.scope.device_uids)
    return AlertRuleRead(
        id=rule.rule_id,
        name=rule.name,
        severity=rule.severity,
        condition={name: value for name, value in asdict(rule.condition).items() if value is not None},
        for_s=rule.wait.total_seconds(),
        scope={name: value for name, value in scope.items() if value is not None} or None,
        enabled=rule.enabled,
        silenced_until=rule.silenced_until,
        version=rule.version,
        created_by=rule.created_by,
        created_at=rule.created_at,
        updated_at=rule.updated_at,
    )
