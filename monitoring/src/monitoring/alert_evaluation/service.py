"""Use cases of deciding: watch the stream, examine what is stored, look at what is due, go over a rule's devices."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

from monitoring.alert_evaluation.cache import ConditionMemory, Movements
from monitoring.alert_evaluation.models import Finding, Verdict
from monitoring.alert_evaluation.rules import NOTHING, absence, ended, followed, number, silence, within
from monitoring.alert_rules.models import Rule
from monitoring.alert_rules.service import RuleBook, RulesOf
from monitoring.alert_rules.states import Kind
from monitoring.alerts.models import Alert, Mark
from monitoring.alerts.service import ConditionService
from monitoring.alerts.states import ClearReason, Phase, State
from monitoring.fleet.errors import GroupNotFound
from monitoring.fleet.models import Scope
from monitoring.fleet.service import FleetService, ScopeMatcher
from monitoring.presence.service import PresenceService
from monitoring.telemetry.models import Latest, Reading, moment
from monitoring.telemetry.service import Shelves, TelemetryService
from monitoring.updates.service import UpdateService
from shared.contracts.presence import PresenceState
from shared.rql.errors import BadQuery

AT_ONCE = 500
"""Conditions that are looked at in one go."""

_PAGE = 500
_QUERIES = 8
"""Of one look that are under way at a time."""
_WHOLE_S = 60.0
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class _Candidate:
    rule: Rule
    device_uid: str
    holds: bool

    @property
    def mark(self) -> Mark:
        return Mark(self.rule.organization_id, self.rule.rule_id, self.device_uid)


class StreamWatch:
    """In a worker: what comes in, held against the rules. It decides nothing, and marks what must be looked at.

    What it knows of rules and conditions is at most `fresh_s` old; what it lets pass for that reason is found by the
    second look that every decision gets.
    """

    def __init__(
        self,
        rules: RuleBook,
        conditions: ConditionService,
        scopes: ScopeMatcher,
        *,
        wake: Callable[[], None],
        fresh_s: float = 1.0,
    ) -> None:
        self._rules = rules
        self._conditions = conditions
        self._scopes = scopes
        self._wake = wake
        self._fresh_s = fresh_s
        self._memory = ConditionMemory()
        self._movements = Movements()
        self._since: datetime | None = None
        self._looked_at = self._whole_at = float("-inf")
        self._turn = asyncio.Lock()

    async def observe(self, latest: Sequence[Latest], organizations: Mapping[str, int]) -> None:
        """Marks what the newest readings may change. They are stored, and not acknowledged yet. Raises StoreAway."""
        await self._refresh()
        candidates: list[_Candidate] = []
        for device in latest:
            organization_id = organizations.get(device.device_uid)
            if organization_id is not None:
                candidates += self._candidates(self._rules.of(organization_id), device)
        await self._mark(candidates)

    async def follow(self, states: Sequence[PresenceState]) -> None:
        """Marks devices that came or went. Doing it again changes nothing but the time of a look. Raises StoreAway."""
        await self._rules.refresh()
        left: list[_Candidate] = []
        back: list[str] = []
        for state in states:
            for rule in self._rules.of(state.organization_id).presence:
                candidate = _Candidate(rule, state.device_uid, holds=not state.online)
                if state.online:
                    back.append(candidate.mark.key)
                else:
                    left.append(candidate)
        await self._mark(left)
        if back:
            await self._conditions.mark_known(back)
            self._wake()

    def _candidates(self, rules: RulesOf, device: Latest) -> Iterable[_Candidate]:
        for rule in rules.silence:
            yield from self._heard(rule, device.device_uid)
        for name in rules.metrics.keys() & device.metrics.keys():
            for rule in rules.metrics[name]:
                if rule.condition.kind is Kind.MISSING:
                    yield from self._heard(rule, device.device_uid)
                else:
                    yield from self._measured(rule, device.device_uid, device.metrics[name])

    def _heard(self, rule: Rule, uid: str) -> Iterable[_Candidate]:
        """Data that may be missed later is watched from its first sample on, and ends an alert about its absence."""
        key = Mark(rule.organization_id, rule.rule_id, uid).key
        if self._memory.is_on(key) or not self._memory.is_watched(key):
            yield _Candidate(rule, uid, holds=False)

    def _measured(self, rule: Rule, uid: str, reading: Reading) -> Iterable[_Candidate]:
        value = number(reading.value)
        if value is None:
            return
        key = Mark(rule.organization_id, rule.rule_id, uid).key
        if rule.condition.kind is Kind.RATE:
            window = int((rule.condition.window_s or 0.0) * _MICROSECONDS)
            change = self._movements.move(key, reading.ts, value, window)
            # Nothing here to compare it with: the samples before may have come to another worker.
            verdict = Verdict.HOLDS if change is None else within(rule.condition, change).verdict
        else:
            verdict = within(rule.condition, value).verdict
        if verdict is not Verdict.BETWEEN and self._memory.is_on(key) != (verdict is Verdict.HOLDS):
            yield _Candidate(rule, uid, holds=verdict is Verdict.HOLDS)

    async def _mark(self, candidates: Sequence[_Candidate]) -> None:
        """Those within the scope of their rules."""
        if not candidates:
            return
        asked: dict[int, tuple[set[Scope], set[str]]] = defaultdict(lambda: (set(), set()))
        for candidate in candidates:
            scopes, uids = asked[candidate.rule.organization_id]
            scopes.add(candidate.rule.scope)
            uids.add(candidate.device_uid)
        within_scope = {
            organization_id: await self._scopes.matching(organization_id, scopes, uids)
            for organization_id, (scopes, uids) in asked.items()
        }
        meant = [one for one in candidates if one.device_uid in within_scope[one.rule.organization_id][one.rule.scope]]
        if not meant:
            return
        await self._conditions.mark([candidate.mark for candidate in meant])
        for candidate in meant:
            self._memory.ask(candidate.mark.key, on=candidate.holds)
        self._wake()

    async def _refresh(self) -> None:
        async with self._turn:
            await self._rules.refresh()
            now = monotonic()
            if now - self._looked_at < self._fresh_s:
                return
            whole = now - self._whole_at >= _WHOLE_S
            written, self._since = await self._conditions.changed(None if whole else self._since)
            self._memory.learn(written, whole=whole)
            self._looked_at = now
            if whole:
                self._whole_at = now


class Examiner:
    """What is stored of devices, held against rules: the newest readings of whatever worker, and presence."""

    def __init__(
        self, fleet: FleetService, scopes: ScopeMatcher, telemetry: TelemetryService, presence: PresenceService
    ) -> None:
        self._fleet = fleet
        self._scopes = scopes
        self._telemetry = telemetry
        self._presence = presence

    async def examine(self, asked: Sequence[tuple[Rule, str]], now: datetime) -> dict[tuple[str, str], Finding]:
        """By rule and device, without those that the rule does not mean or that speak no more. Raises StoreAway."""
        meant = await self._meant(asked)
        presence = {uid for rule, uid in meant if rule.condition.kind is Kind.PRESENCE}
        reporting = {uid for rule, uid in meant if rule.condition.kind is not Kind.PRESENCE}
        readings = await self._telemetry.readings(sorted(reporting)) if reporting else {}
        changes = await self._changes([one for one in meant if one[0].condition.kind is Kind.RATE], readings, now)
        present = {one.device_uid: one for one in await self._presence.among(sorted(presence))}
        found: dict[tuple[str, str], Finding] = {}
        for rule, uid in meant:
            condition, mine = rule.condition, readings.get(uid, {})
            match condition.kind:
                case Kind.PRESENCE:
                    finding = absence(condition, online=present[uid].online, since=present[uid].since, now=now)
                case Kind.MISSING:
                    finding = silence(condition, mine, now)
                case Kind.THRESHOLD:
                    newest = mine.get(condition.metric or "")
                    value = None if newest is None else number(newest.value)
                    finding = NOTHING if value is None else within(condition, value)
                case Kind.RATE:
                    finding = changes[rule.rule_id, uid]
            found[rule.rule_id, uid] = finding
        return found

    async def _changes(
        self, asked: Sequence[tuple[Rule, str]], readings: Mapping[str, Mapping[str, Reading]], now: datetime
    ) -> dict[tuple[str, str], Finding]:
        """How far the values have moved that these rules are about, by rule and device."""
        if not asked:
            return {}
        shelves, turns = await self._telemetry.shelves(), asyncio.Semaphore(_QUERIES)

        async def change(rule: Rule, uid: str) -> Finding:
            async with turns:
                return await self._change(rule, uid, readings.get(uid, {}), shelves, now)

        found = await asyncio.gather(*(change(rule, uid) for rule, uid in asked))
        return {(rule.rule_id, uid): finding for (rule, uid), finding in zip(asked, found, strict=True)}

    async def _change(
        self, rule: Rule, uid: str, readings: Mapping[str, Reading], shelves: Shelves, now: datetime
    ) -> Finding:
        metric, window = rule.condition.metric or "", timedelta(seconds=rule.condition.window_s or 0.0)
        newest = readings.get(metric)
        value = None if newest is None else number(newest.value)
        if newest is None or value is None or not newest.dated or moment(newest.received) < now - window:
            return NOTHING
        at = moment(newest.ts)
        before = number(await self._telemetry.first_between(uid, metric, at - window, at, shelves=shelves))
        return NOTHING if before is None else within(rule.condition, value - before)

    async def _meant(self, asked: Sequence[tuple[Rule, str]]) -> list[tuple[Rule, str]]:
        over = await self._fleet.over(sorted({uid for _, uid in asked}))
        scopes: dict[int, set[Scope]] = defaultdict(set)
        uids: dict[int, set[str]] = defaultdict(set)
        for rule, uid in asked:
            scopes[rule.organization_id].add(rule.scope)
            uids[rule.organization_id].add(uid)
        meant = {one: await self._scopes.matching(one, scopes[one], uids[one]) for one in scopes}
        return [
            (rule, uid) for rule, uid in asked if uid not in over and uid in meant[rule.organization_id][rule.scope]
        ]


class AlertJudge:
    """Looks at what was marked and at what is due, and decides; of several at once the first to write counts."""

    def __init__(
        self, rules: RuleBook, conditions: ConditionService, examiner: Examiner, updates: UpdateService
    ) -> None:
        self._rules = rules
        self._conditions = conditions
        self._examiner = examiner
        self._updates = updates

    async def look(self) -> bool:
        """Decides about some hundreds; whether there may be more. Raises StoreAway."""
        now = await self._conditions.now()
        due = await self._conditions.due(now, limit=AT_ONCE)
        if not due:
            return False
        rules = await self._rules.find_all(sorted({alert.rule_id for alert in due}))
        asked = [(rules[alert.rule_id], alert.device_uid) for alert in due if _is_on(rules.get(alert.rule_id))]
        findings = await self._examiner.examine(asked, now)
        decided = [self._decide(alert, rules.get(alert.rule_id), findings, now) for alert in due]
        again = [
            Mark(alert.organization_id, alert.rule_id, alert.device_uid)
            for alert in due
            if alert.phase is Phase.ENDED and _is_worth_watching(findings.get((alert.rule_id, alert.device_uid)))
        ]
        # Before the look is done with: the mark may come twice, and must not be lost.
        await self._conditions.mark(again)
        await self._conditions.settle(await self._with_updates(list(zip(due, decided, strict=True)), now))
        return len(due) == AT_ONCE or bool(again)

    @staticmethod
    def _decide(alert: Alert, rule: Rule | None, findings: Mapping[tuple[str, str], Finding], now: datetime) -> Alert:
        if alert.phase is Phase.ENDED:
            return replace(alert, due_at=None)
        if rule is None or not rule.is_on:
            return ended(alert, now, ClearReason.RULE)
        finding = findings.get((alert.rule_id, alert.device_uid))
        return ended(alert, now, ClearReason.DEVICE) if finding is None else followed(alert, rule, finding, now)

    async def _with_updates(self, decided: list[tuple[Alert, Alert]], now: datetime) -> list[tuple[Alert, Alert]]:
        """Alerts that open are tied to the update that was touching their device."""
        opening = [after.device_uid for before, after in decided if _opens(before, after)]
        touching = await self._updates.touching(opening, now) if opening else {}
        return [
            (before, replace(after, release=update.release, session_id=update.session_id))
            if _opens(before, after) and (update := touching.get(after.device_uid)) is not None
            else (before, after)
            for before, after in decided
        ]


class RuleSweep:
    """Goes over the devices of rules that were made or changed: what holds already, and what is open under them."""

    def __init__(self, rules: RuleBook, conditions: ConditionService, examiner: Examiner, fleet: FleetService) -> None:
        self._rules = rules
        self._conditions = conditions
        self._examiner = examiner
        self._fleet = fleet

    async def sweep(self) -> bool:
        """Whether there was something to do. Doing it again changes nothing. Raises StoreAway."""
        rules = await self._rules.to_sweep()
        for rule in rules:
            await self._conditions.mark_rule(rule.rule_id)
            if rule.is_on and rule.condition.kind is not Kind.RATE:
                await self._begin(rule)
            await self._rules.swept(rule)
        return bool(rules)

    async def _begin(self, rule: Rule) -> None:
        uids = await self._uids(rule)
        for start in range(0, len(uids), _PAGE):
            page = uids[start : start + _PAGE]
            findings = await self._examiner.examine([(rule, uid) for uid in page], await self._conditions.now())
            await self._conditions.mark(
                [
                    Mark(rule.organization_id, rule.rule_id, uid)
                    for (_, uid), finding in findings.items()
                    if finding.is_worth_watching
                ]
            )

    async def _uids(self, rule: Rule) -> list[str]:
        """A rule whose group is gone, or asks for what the copy lacks, is about nobody."""
        try:
            return await self._fleet.scope(rule.organization_id, rule.scope)
        except (GroupNotFound, BadQuery):
            return []


def _is_on(rule: Rule | None) -> bool:
    return rule is not None and rule.is_on


def _is_worth_watching(finding: Finding | None) -> bool:
    return finding is not None and finding.is_worth_watching


def _opens(before: Alert, after: Alert) -> bool:
    return before.state is None and after.state is State.ACTIVE
