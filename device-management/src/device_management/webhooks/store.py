"""Every query about webhooks. What people do takes the organization; what is sent is the workers' own."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.webhooks.models import Due, Outcome, Webhook, WebhookAttempt, WebhookDelivery
from device_management.webhooks.states import DeliveryState, Disabled

_LOCK_KIND = 0x7765  # "we" in ASCII, beside the organization's id

_ENQUEUE = text(
    """
    insert into webhook_deliveries
        (webhook_id, event_id, event_type, body, state, attempts, next_attempt_at, created_at)
    select webhook.id, event.id, event.type, event.body, 'pending', 0, clock_timestamp(), clock_timestamp()
    from unnest(
        cast(:organizations as int[]), cast(:ids as uuid[]), cast(:types as text[]), cast(:bodies as text[])
    ) with ordinality as event(organization_id, id, type, body, place)
    join webhooks as webhook on webhook.organization_id = event.organization_id and webhook.enabled
        and webhook.event_types && array['*', event.type, split_part(event.type, '.', 1) || '.*']::varchar[]
    order by event.place
    on conflict (webhook_id, event_id) do nothing
    """
)

_TAKE = text(
    """
    with due as (
        select delivery.id
        from webhooks as webhook
        cross join lateral (
            select id from webhook_deliveries
            where webhook_id = webhook.id and state = 'pending' and next_attempt_at <= clock_timestamp()
            order by next_attempt_at, id
            limit :each
            for update skip locked
        ) as delivery
        where webhook.enabled and webhook.id <> all(cast(:busy as bigint[]))
        limit :most
    )
    update webhook_deliveries as delivery
    set attempts = attempts + 1, next_attempt_at = clock_timestamp() + :lease
    from due, webhooks as webhook
    where delivery.id = due.id and webhook.id = delivery.webhook_id
    returning delivery.id, delivery.webhook_id, delivery.event_id, delivery.body, delivery.attempts, webhook.url,
        webhook.secret, case when webhook.previous_until > clock_timestamp() then webhook.previous_secret end
    """
)

_NOTE_ATTEMPT = text(
    """
    insert into webhook_attempts (delivery_id, at, duration_ms, status, error, answer)
    select id, :at, :duration_ms, :status, :error, :answer from webhook_deliveries where id = :delivery_id
    """
)


class WebhookStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, organization_id: int) -> int:
        """Until the end of the transaction, others that add a webhook to the organization wait."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_LOCK_KIND, organization_id)))
        query = select(func.count()).select_from(Webhook).where(col(Webhook.organization_id) == organization_id)
        return (await self._session.scalars(query)).one()

    async def add(self, webhook: Webhook) -> Webhook:
        self._session.add(webhook)
        await self._session.flush()
        return webhook

    async def find(self, organization_id: int, webhook_id: int, *, lock: bool = False) -> Webhook | None:
        query = select(Webhook).where(Webhook.id == webhook_id, Webhook.organization_id == organization_id)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[Webhook]:
        query = select(Webhook).where(Webhook.organization_id == organization_id, col(Webhook.id) > after_id)
        return (await self._session.scalars(query.order_by(col(Webhook.id)).limit(limit))).all()

    async def change(self, webhook: Webhook, values: Mapping[str, Any]) -> Webhook:
        """A new version of a webhook that this transaction has locked."""
        query = (
            update(Webhook)
            .where(col(Webhook.id) == webhook.id)
            .values(**values, version=Webhook.version + 1, updated_at=func.now())
            .returning(Webhook)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, webhook: Webhook) -> None:
        await self._session.execute(delete(Webhook).where(col(Webhook.id) == webhook.id))

    async def deliveries(
        self, webhook: Webhook, *, state: DeliveryState | None, before_id: int | None, limit: int
    ) -> Sequence[WebhookDelivery]:
        query = select(WebhookDelivery).where(col(WebhookDelivery.webhook_id) == webhook.id)
        if state is not None:
            query = query.where(col(WebhookDelivery.state) == state)
        if before_id is not None:
            query = query.where(col(WebhookDelivery.id) < before_id)
        return (await self._session.scalars(query.order_by(col(WebhookDelivery.id).desc()).limit(limit))).all()

    async def delivery(self, webhook: Webhook, delivery_id: int) -> WebhookDelivery | None:
        query = select(WebhookDelivery).where(
            col(WebhookDelivery.id) == delivery_id, col(WebhookDelivery.webhook_id) == webhook.id
        )
        return (await self._session.scalars(query)).one_or_none()

    async def attempts(self, delivery: WebhookDelivery) -> Sequence[WebhookAttempt]:
        query = select(WebhookAttempt).where(col(WebhookAttempt.delivery_id) == delivery.id)
        return (await self._session.scalars(query.order_by(col(WebhookAttempt.id)))).all()

    async def replay(self, delivery: WebhookDelivery) -> WebhookDelivery:
        """Due at once, with all its attempts before it again."""
        query = (
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id) == delivery.id)
            .values(state=DeliveryState.PENDING, attempts=0, next_attempt_at=func.clock_timestamp(), ended_at=None)
            .returning(WebhookDelivery)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def add_delivery(self, delivery: WebhookDelivery) -> WebhookDelivery:
        self._session.add(delivery)
        await self._session.flush()
        return delivery

    async def asking(self, organization_ids: Collection[int]) -> set[int]:
        """Those of these organizations that have a webhook that is on."""
        query = select(Webhook.organization_id).distinct()
        query = query.where(col(Webhook.enabled), col(Webhook.organization_id).in_(organization_ids))
        return set((await self._session.scalars(query)).all())

    async def enqueue(self, events: Sequence[Mapping[str, Any]]) -> None:
        """A delivery of each event (organization, id, type, body) for each webhook that asks for it; again: no more."""
        await self._session.execute(
            _ENQUEUE,
            {
                "organizations": [event["organization"] for event in events],
                "ids": [event["id"] for event in events],
                "types": [event["type"] for event in events],
                "bodies": [event["body"] for event in events],
            },
        )

    async def take(self, *, most: int, each: int, busy: Collection[int], lease: timedelta) -> list[Due]:
        """Due deliveries, at most `each` of a webhook, none of the `busy` ones; this worker's until `lease` ends."""
        rows = await self._session.execute(_TAKE, {"most": most, "each": each, "busy": list(busy), "lease": lease})
        return [Due(*row[:6], secrets=tuple(secret for secret in row[6:] if secret is not None)) for row in rows]

    async def finish(self, outcome: Outcome, *, wait: timedelta | None) -> None:
        """Writes the attempt down. The delivery moves only if nobody has taken it again meanwhile."""
        due = outcome.due
        await self._session.execute(_NOTE_ATTEMPT, outcome_values(outcome))
        ended = outcome.delivered or wait is None
        state = DeliveryState.DELIVERED if outcome.delivered else DeliveryState.FAILED
        values: dict[str, Any] = (
            {"state": state, "next_attempt_at": None, "ended_at": func.clock_timestamp()}
            if ended
            else {"next_attempt_at": func.clock_timestamp() + wait}
        )
        await self._session.execute(
            update(WebhookDelivery)
            .where(
                col(WebhookDelivery.id) == due.delivery_id,
                col(WebhookDelivery.attempts) == due.attempts,
                col(WebhookDelivery.state) == DeliveryState.PENDING,
            )
            .values(values)
        )

    async def note_health(self, webhook_id: int, *, delivered: bool, gone: bool, patience: timedelta) -> None:
        """Remembers since when nothing is delivered, and turns the webhook off after `patience` of it or when gone."""
        here = update(Webhook).where(col(Webhook.id) == webhook_id)
        if delivered:
            await self._session.execute(here.where(col(Webhook.failing_since).is_not(None)).values(failing_since=None))
            return
        await self._session.execute(
            here.where(col(Webhook.failing_since).is_(None)).values(failing_since=func.clock_timestamp())
        )
        off = Disabled.GONE if gone else Disabled.FAILING
        failing = here if gone else here.where(col(Webhook.failing_since) < func.clock_timestamp() - patience)
        await self._session.execute(
            failing.where(col(Webhook.enabled)).values(
                enabled=False, disabled_because=off, version=Webhook.version + 1, updated_at=func.now()
            )
        )

    async def forget_before(self, moment: datetime, limit: int) -> None:
        """Removes old deliveries with their attempts, the oldest first."""
        old = (
            select(WebhookDelivery.id)
            .where(col(WebhookDelivery.created_at) < moment)
            .order_by(col(WebhookDelivery.created_at))
            .limit(limit)
        )
        await self._session.execute(delete(WebhookDelivery).where(col(WebhookDelivery.id).in_(old)))


def outcome_values(outcome: Outcome) -> dict[str, Any]:
    return {
        "delivery_id": outcome.due.delivery_id,
        "at": outcome.at,
        "duration_ms": outcome.duration_ms,
        "status": outcome.status,
        "error": outcome.error,
        "answer": outcome.answer,
    }
