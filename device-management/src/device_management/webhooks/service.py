"""Use cases of webhooks: people manage them, events become deliveries, workers send them."""

import asyncio
import base64
import secrets
from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from prometheus_client import Counter

from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.webhooks.errors import DeliveryNotFound, TooManyWebhooks, WebhookIsOff, WebhookNotFound
from device_management.webhooks.gateway import Receivers, Unanswered
from device_management.webhooks.models import Due, Outcome, Webhook, WebhookDelivery
from device_management.webhooks.rules import (
    GIVE_UP_AFTER,
    TEST_TYPE,
    body_of,
    headers_of,
    require_known,
    target_of,
    wait_before,
)
from device_management.webhooks.schemas import (
    AttemptRead,
    DeliveryDetail,
    DeliveryRead,
    WebhookChange,
    WebhookCreate,
    WebhookCreated,
    WebhookRead,
    WebhookSecret,
)
from device_management.webhooks.states import DeliveryState
from device_management.webhooks.store import WebhookStore
from shared.clock import Clock
from shared.contracts import catalog
from shared.contracts.envelope import Envelope
from shared.errors import DomainError, ServiceUnavailable
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.http.scope import Scopes
from shared.ids import Ids
from shared.sealing import CannotUnseal, Sealer

MOST_WEBHOOKS = 20
REMEMBERED = timedelta(days=30)
_SECRET_BYTES = 32
_OLD_SECRET_SIGNS = timedelta(days=1)
_FORGET_AT_ONCE = 10_000

_POLL_S = 0.5
_IN_FLIGHT = 100
_IN_FLIGHT_EACH = 5
_LEASE = timedelta(seconds=60)

_ATTEMPTS = Counter("muster_webhook_attempts_total", "Attempts to deliver an event, by outcome", ["outcome"])

_log = structlog.get_logger(__name__)


class WebhookService:
    def __init__(
        self,
        store: WebhookStore,
        audit: AuditService,
        receivers: Receivers,
        sealer: Sealer,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._audit = audit
        self._receivers = receivers
        self._sealer = sealer
        self._clock = clock
        self._ids = ids

    async def create(self, organization_id: int, who: Actor, body: WebhookCreate) -> WebhookCreated:
        """Raises TooManyWebhooks, UnknownEventType, UnacceptableUrl, HostUnknown and AddressRefused."""
        require_known(body.event_types, catalog.BY_TYPE)
        await self._receivers.check(target_of(body.url))
        if await self._store.count(organization_id) >= MOST_WEBHOOKS:
            raise TooManyWebhooks(MOST_WEBHOOKS)
        secret, now = _new_secret(), self._clock.now()
        webhook = await self._store.add(
            Webhook(
                **body.model_dump(),
                organization_id=organization_id,
                secret=self._sealer.seal(secret),
                created_at=now,
                updated_at=now,
            )
        )
        await self._record(who, webhook, "created", None, _state(webhook))
        return WebhookCreated(**read(webhook).model_dump(), secret=secret)

    async def get(self, organization_id: int, webhook_id: int) -> WebhookRead:
        """Raises WebhookNotFound."""
        return read(await self._find(organization_id, webhook_id))

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[WebhookRead]:
        """In the order they were made."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(organization_id, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda webhook: (webhook.id,))
        return Page(items=[read(webhook) for webhook in kept], next=following)

    async def change(
        self, organization_id: int, webhook_id: int, who: Actor, body: WebhookChange, expected: Expected
    ) -> WebhookRead:
        """Turning it on forgets why it was off. Raises WebhookNotFound, Stale and what `create` raises."""
        values: dict[str, Any] = body.model_dump(exclude_unset=True)
        if "event_types" in values:
            require_known(body.event_types, catalog.BY_TYPE)
        if "url" in values:
            await self._receivers.check(target_of(body.url))
        if values.get("enabled"):
            values |= {"disabled_because": None, "failing_since": None}
        webhook = await self._find(organization_id, webhook_id, expected)
        before = _state(webhook)
        changed = await self._store.change(webhook, values)
        await self._record(who, changed, "changed", before, _state(changed))
        return read(changed)

    async def renew_secret(self, organization_id: int, webhook_id: int, who: Actor) -> WebhookSecret:
        """A new secret; the present one signs beside it for a day. Raises WebhookNotFound."""
        webhook = await self._find(organization_id, webhook_id, Expected())
        secret, until = _new_secret(), self._clock.now() + _OLD_SECRET_SIGNS
        values = {
            "secret": self._sealer.seal(secret),
            "previous_secret": webhook.secret,
            "previous_until": until,
        }
        changed = await self._store.change(webhook, values)
        await self._record(who, changed, "secret_renewed", None, {"previous_until": until})
        return WebhookSecret(secret=secret, previous_until=until)

    async def remove(self, organization_id: int, webhook_id: int, who: Actor, expected: Expected) -> None:
        """With its deliveries. Raises WebhookNotFound and Stale."""
        webhook = await self._find(organization_id, webhook_id, expected)
        await self._store.remove(webhook)
        await self._record(who, webhook, "removed", _state(webhook), None)

    async def deliveries(
        self, organization_id: int, webhook_id: int, *, state: DeliveryState | None, cursor: str | None, limit: int
    ) -> Page[DeliveryRead]:
        """Newest first. Raises WebhookNotFound."""
        webhook = await self._find(organization_id, webhook_id)
        before_id = decode_cursor(cursor, int)[0] if cursor else None
        rows = await self._store.deliveries(webhook, state=state, before_id=before_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda delivery: (delivery.id,))
        return Page(items=[_delivery(row) for row in kept], next=following)

    async def delivery(self, organization_id: int, webhook_id: int, delivery_id: int) -> DeliveryDetail:
        """Raises WebhookNotFound and DeliveryNotFound."""
        delivery = await self._delivery(organization_id, webhook_id, delivery_id)
        history = [
            AttemptRead.model_validate(attempt, from_attributes=True)
            for attempt in await self._store.attempts(delivery)
        ]
        return DeliveryDetail(**_delivery(delivery).model_dump(), body=delivery.body, history=history)

    async def replay(self, organization_id: int, webhook_id: int, delivery_id: int) -> DeliveryRead:
        """Sends it again, delivered or not. Raises WebhookNotFound, DeliveryNotFound and WebhookIsOff."""
        delivery = await self._delivery(organization_id, webhook_id, delivery_id)
        await self._on(organization_id, webhook_id)
        return _delivery(await self._store.replay(delivery))

    async def test(self, organization_id: int, webhook_id: int) -> DeliveryRead:
        """Sends an event that means nothing. Raises WebhookNotFound and WebhookIsOff."""
        webhook = await self._on(organization_id, webhook_id)
        event_id, now = self._ids.new(), self._clock.now()
        event = Envelope(
            id=event_id,
            source="/device-management",
            type=TEST_TYPE,
            subject=f"webhook/{webhook.id}",
            time=now,
            organizationid=organization_id,
            data={"organization_id": organization_id, "message": "This is a test."},
        )
        return _delivery(
            await self._store.add_delivery(
                WebhookDelivery(
                    webhook_id=_id_of(webhook),
                    event_id=event_id,
                    event_type=TEST_TYPE,
                    body=body_of(event),
                    next_attempt_at=now,
                    created_at=now,
                )
            )
        )

    async def enqueue(self, events: Sequence[Envelope]) -> None:
        """A delivery for every webhook that asks for the event; an event that comes again adds none.

        Of an organization without webhooks nothing is made: of most, and of most events.
        """
        asking = await self._store.asking({event.organizationid for event in events})
        wanted = [
            {"organization": event.organizationid, "id": event.id, "type": event.type, "body": body_of(event)}
            for event in events
            if event.organizationid in asking
        ]
        if wanted:
            await self._store.enqueue(wanted)

    async def take(self, *, most: int, busy: set[int]) -> list[Due]:
        return await self._store.take(most=most, each=_IN_FLIGHT_EACH, busy=busy, lease=_LEASE)

    async def finish(self, outcome: Outcome) -> None:
        """Writes down what became of an attempt, and when to try again."""
        wait = None if outcome.gone else wait_before(outcome.due.attempts)
        await self._store.finish(outcome, wait=wait)
        await self._store.note_health(
            outcome.due.webhook_id, delivered=outcome.delivered, gone=outcome.gone, patience=GIVE_UP_AFTER
        )

    async def forget_old(self) -> None:
        await self._store.forget_before(self._clock.now() - REMEMBERED, _FORGET_AT_ONCE)

    async def _find(self, organization_id: int, webhook_id: int, expected: Expected | None = None) -> Webhook:
        """With `expected` it is locked, to be changed."""
        webhook = await self._store.find(organization_id, webhook_id, lock=expected is not None)
        if webhook is None:
            raise WebhookNotFound
        if expected is not None:
            expected.require(webhook.version)
        return webhook

    async def _on(self, organization_id: int, webhook_id: int) -> Webhook:
        """Raises WebhookNotFound and WebhookIsOff."""
        webhook = await self._find(organization_id, webhook_id)
        if not webhook.enabled:
            raise WebhookIsOff
        return webhook

    async def _delivery(self, organization_id: int, webhook_id: int, delivery_id: int) -> WebhookDelivery:
        delivery = await self._store.delivery(await self._find(organization_id, webhook_id), delivery_id)
        if delivery is None:
            raise DeliveryNotFound
        return delivery

    async def _record(
        self, who: Actor, webhook: Webhook, action: str, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        change = Change("webhook", str(webhook.id), action, before=before, after=after)
        await self._audit.record(webhook.organization_id, who, [change])


class WebhookSender:
    """In a worker: sends what is due, many receivers side by side, few requests at a time to each of them."""

    def __init__(self, scopes: Scopes, receivers: Receivers, sealer: Sealer, *, clock: Clock) -> None:
        self._scopes = scopes
        self._receivers = receivers
        self._sealer = sealer
        self._clock = clock
        self._under_way: dict[asyncio.Task[None], int] = {}

    async def run(self) -> None:
        """Until cancelled; then what is under way may end."""
        try:
            while True:
                if not await self._begin():
                    await asyncio.sleep(_POLL_S)
        finally:
            if self._under_way:
                await asyncio.wait(self._under_way)

    async def _begin(self) -> bool:
        """Takes what is due and free, and starts sending it. False when there was nothing to take."""
        free = _IN_FLIGHT - len(self._under_way)
        if not free:
            return False
        tally = Tally(self._under_way.values())
        busy = {webhook_id for webhook_id, requests in tally.items() if requests >= _IN_FLIGHT_EACH}
        async with self._scopes() as scope:
            taken = await scope.get(WebhookService).take(most=free, busy=busy)
        for due in taken:
            task = asyncio.create_task(self._send(due))
            self._under_way[task] = due.webhook_id
            task.add_done_callback(self._under_way.pop)
        return bool(taken)

    async def _send(self, due: Due) -> None:
        began, at = monotonic(), self._clock.now()
        status, error, answer = await self._attempt(due)
        outcome = Outcome(due, at, int((monotonic() - began) * 1_000), status, error, answer)
        _ATTEMPTS.labels("delivered" if outcome.delivered else "failed").inc()
        with suppress(ServiceUnavailable):  # the lease ends, and it is sent again under the same id
            async with self._scopes() as scope:
                await scope.get(WebhookService).finish(outcome)

    async def _attempt(self, due: Due) -> tuple[int | None, str | None, str | None]:
        try:
            signing = [self._sealer.open(secret) for secret in due.secrets]
            headers = headers_of(due.event_id, due.body, signing, now=self._clock.now())
            status, answer = await self._receivers.post(target_of(due.url), due.body, headers)
        except Unanswered as error:
            return None, str(error), None
        except DomainError as error:
            return None, error.detail[:200], None
        except CannotUnseal:
            return None, "the stored secret cannot be read any more; renew it", None
        except Exception as error:  # noqa: BLE001 - else nobody counts the attempt, and it is made for ever
            _log.exception("a delivery failed as nobody foresaw", delivery_id=due.delivery_id)
            return None, type(error).__name__, None
        return status, None, answer


def read(webhook: Webhook) -> WebhookRead:
    return WebhookRead.model_validate(webhook, from_attributes=True)


def _delivery(delivery: WebhookDelivery) -> DeliveryRead:
    return DeliveryRead.model_validate(delivery, from_attributes=True)


def _state(webhook: Webhook) -> dict[str, Any]:
    return webhook.model_dump(include={"url", "event_types", "description", "enabled"})


def _id_of(webhook: Webhook) -> int:
    assert webhook.id is not None  # noqa: S101 - it comes from the database
    return webhook.id


def _new_secret() -> str:
    """Source: Standard Webhooks 1.0: 24 to 64 random bytes, in base64 behind `whsec_`."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
