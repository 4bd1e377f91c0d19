"""Use cases of alerts: what people see of them and do with them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from monitoring.alert_rules.states import Severity
from monitoring.alerts.errors import AlertIsCleared, AlertNotFound, TooManyComments
from monitoring.alerts.events import acknowledged, cleared, commented, item_of, opened
from monitoring.alerts.models import Alert, Comment, Known, Mark
from monitoring.alerts.schemas import AlertDetail, AlertRead, CommentRead
from monitoring.alerts.states import ClearReason, Phase, State
from monitoring.alerts.store import AlertStore
from shared.clock import Clock
from shared.contracts.alerts import AlertState
from shared.contracts.live import AlertItem
from shared.http.idempotency import IdempotencyKeyReused
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.ids import Ids
from shared.mongo.client import Document
from shared.outbox.documents import pending

MAX_COMMENTS = 100
_SHOWN_AFTER = timedelta(hours=1)
_AT_ONCE = datetime.fromtimestamp(0, UTC)

Event = Callable[[Alert], AlertState]


class AlertNews:
    """The events of a change, as they are kept beside it until they are sent."""

    def __init__(self, *, clock: Clock, ids: Ids, source: str) -> None:
        self._clock = clock
        self._ids = ids
        self._source = source

    def of(self, event: AlertState) -> Document:
        return pending(event, source=self._source, clock=self._clock, ids=self._ids)


class LiveAlerts(Protocol):
    """Whoever shows alerts to people who are watching."""

    def alerts(self, organization_id: int, items: Sequence[AlertItem]) -> None: ...


class ConditionService:
    """Conditions on their way to an alert and to its end, for whoever decides about them."""

    def __init__(self, store: AlertStore, news: AlertNews, live: LiveAlerts, *, wake_relay: Callable[[], None]) -> None:
        self._store = store
        self._news = news
        self._live = live
        self._wake_relay = wake_relay

    async def mark(self, marks: Sequence[Mark]) -> None:
        """There is reason to look at these now, whether or not somebody watches them yet. Raises StoreAway."""
        await self._store.mark(marks)

    async def mark_known(self, keys: Sequence[str]) -> None:
        """As `mark`, of those alone that are watched. Raises StoreAway."""
        await self._store.mark_known(keys)

    async def mark_rule(self, rule_id: str) -> None:
        """As `mark`, of all that is watched for a rule. Raises StoreAway."""
        await self._store.mark_rule(rule_id)

    async def now(self) -> datetime:
        """The database's clock. Raises StoreAway."""
        return await self._store.now()

    async def due(self, now: datetime, *, limit: int) -> list[Alert]:
        """What must be looked at, the longest waiting first. Raises StoreAway."""
        return await self._store.due(now, limit=limit)

    async def changed(self, since: datetime | None) -> tuple[list[Known], datetime]:
        """What was written since that moment, in order, and the moment to go on. Raises StoreAway."""
        return await self._store.changed(since)

    async def settle(self, decided: Sequence[tuple[Alert, Alert]]) -> None:
        """Writes what was decided, each as it was read and as it is to be, with the events that tell of it.

        What somebody has marked or changed meanwhile stays, and is due anyway. Raises StoreAway.
        """
        unsent = {
            after.alert_id: [self._news.of(opened(after) if after.state is State.ACTIVE else cleared(after))]
            for before, after in decided
            if before.state is not after.state
        }
        await self._store.write([after for _, after in decided], unsent)
        if not unsent:
            return
        self._wake_relay()
        items: dict[int, list[AlertItem]] = defaultdict(list)
        for alert in await self._store.find_all(list(unsent)):
            if alert.state is not None:
                items[alert.organization_id].append(item_of(alert))
        for organization_id, found in items.items():
            self._live.alerts(organization_id, found)


class AlertService:
    def __init__(self, store: AlertStore, news: AlertNews, live: LiveAlerts) -> None:
        self._store = store
        self._news = news
        self._live = live

    async def page(
        self,
        organization_id: int,
        *,
        state: State | None = None,
        severity: Severity | None = None,
        device_uid: str | None = None,
        rule_id: str | None = None,
        acknowledged: bool | None = None,
        cursor: str | None,
        limit: int,
    ) -> Page[AlertRead]:
        """Newest first. Raises BadCursor."""
        wanted: dict[str, Any] = {
            name: value
            for name, value in {
                "state": state,
                "severity": severity,
                "device_uid": device_uid,
                "rule_id": rule_id,
            }.items()
            if value is not None
        }
        if acknowledged is not None:
            wanted["acknowledged_at"] = {"$ne": None} if acknowledged else None
        after = decode_cursor(cursor, datetime, str) if cursor is not None else None
        found = await self._store.page(organization_id, wanted, after=after, limit=limit + 1)
        items, following = page_of(found, limit, lambda alert: (alert.opened_at, alert.alert_id))
        return Page(items=[_read(alert) for alert in items], next=following)

    async def get(self, organization_id: int, alert_id: str) -> AlertDetail:
        """Raises AlertNotFound."""
        return _detail(await self._find(organization_id, alert_id))

    async def acknowledge(self, organization_id: int, alert_id: str, *, by: str, expected: Expected) -> AlertDetail:
        """Says that somebody looks after it; of several the first stays.

        Raises AlertNotFound, AlertIsCleared and Stale.
        """
        now = await self._store.now()

        def change(alert: Alert) -> Alert:
            if alert.state is State.CLEARED:
                raise AlertIsCleared
            if alert.acknowledged_at is not None:
                return alert
            return replace(alert, acknowledged_at=now, acknowledged_by=by)

        return await self._write(organization_id, alert_id, change, acknowledged, expected)

    async def comment(
        self, organization_id: int, alert_id: str, text: str, *, by: str, key: str | None = None
    ) -> AlertDetail:
        """With `key` once only: the same call again answers with the alert as it is now.

        Raises AlertNotFound, TooManyComments and IdempotencyKeyReused.
        """
        comment = Comment(by=by, text=text, at=await self._store.now(), key=key)

        def change(alert: Alert) -> Alert:
            before = next((one for one in alert.comments if key is not None and (one.by, one.key) == (by, key)), None)
            if before is not None:
                if before.text != text:
                    raise IdempotencyKeyReused
                return alert
            if len(alert.comments) >= MAX_COMMENTS:
                raise TooManyComments(f"an alert has at most {MAX_COMMENTS} comments")
            return replace(alert, comments=(*alert.comments, comment))

        return await self._write(organization_id, alert_id, change, commented, Expected())

    async def clear(self, organization_id: int, alert_id: str, *, by: str, expected: Expected) -> AlertDetail:
        """Ends it. Another opens only once the condition has ended meanwhile and holds again.

        Raises AlertNotFound, AlertIsCleared and Stale.
        """
        now = await self._store.now()

        def change(alert: Alert) -> Alert:
            if alert.state is State.CLEARED:
                raise AlertIsCleared
            return replace(
                alert,
                phase=Phase.HELD,
                state=State.CLEARED,
                cleared_at=now,
                cleared_by=by,
                clear_reason=ClearReason.PERSON,
                due_at=_AT_ONCE,
            )

        return await self._write(organization_id, alert_id, change, cleared, expected)

    async def among(self, uids: Sequence[str]) -> list[AlertItem]:
        """Of devices that the caller has found to be the organization's: open alerts, and those of the last hour."""
        since = await self._store.now() - _SHOWN_AFTER
        return [item_of(alert) for alert in await self._store.recent(uids, cleared_since=since)]

    async def opened_between(
        self, organization_id: int, uids: Sequence[str], start: datetime, end: datetime
    ) -> dict[str, int]:
        """How many alerts of each device opened from `start` to before `end`; devices without one are left out."""
        found = await self._store.opened_between(organization_id, uids, start, end)
        return dict(Counter(uid for uid, _ in found))

    async def _write(
        self,
        organization_id: int,
        alert_id: str,
        change: Callable[[Alert], Alert],
        event: Event,
        expected: Expected,
    ) -> AlertDetail:
        """The change over the alert as it is; read again when somebody else was quicker."""
        while True:
            before = await self._find(organization_id, alert_id)
            expected.require(before.version)
            after = change(before)
            if after == before:
                return _detail(before)
            after = replace(after, version=before.version + 1)
            if await self._store.update(after, [self._news.of(event(after))]):
                self._live.alerts(organization_id, [item_of(after)])
                return _detail(after)

    async def _find(self, organization_id: int, alert_id: str) -> Alert:
        alert = await self._store.find(organization_id, alert_id)
        if alert is None:
            raise AlertNotFound
        return alert


def _read(alert: Alert) -> AlertRead:
    return AlertRead(**_members(alert), comments=len(alert.comments))


def _detail(alert: Alert) -> AlertDetail:
    return AlertDetail(**_members(alert), comments=[CommentRead(**asdict(comment)) for comment in alert.comments])


def _members(alert: Alert) -> dict[str, Any]:
    members = {name: getattr(alert, name) for name in AlertRead.model_fields if name not in {"id", "comments"}}
    return {"id": alert.alert_id, **members}
