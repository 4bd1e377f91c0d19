"""Webhooks over REST."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from device_management.audit.schemas import Actor
from device_management.webhooks.errors import (
    DeliveryNotFound,
    TooManyWebhooks,
    UnacceptableUrl,
    UnknownEventType,
    WebhookIsOff,
    WebhookNotFound,
)
from device_management.webhooks.schemas import (
    DeliveryDetail,
    DeliveryRead,
    WebhookChange,
    WebhookCreate,
    WebhookCreated,
    WebhookRead,
    WebhookSecret,
)
from device_management.webhooks.service import WebhookService
from device_management.webhooks.states import DeliveryState
from shared.egress import AddressRefused, HostUnknown
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/webhooks", tags=["webhooks"])

Webhooks = Annotated[WebhookService, use(WebhookService)]
Admin = Annotated[Principal, requires("organization:admin")]
Id = Annotated[int, Path(ge=1, lt=2**63), raises(WebhookNotFound)]
DeliveryId = Annotated[int, Path(ge=1, lt=2**63), raises(DeliveryNotFound)]


@router.post("", status_code=201)
@raises(TooManyWebhooks, UnknownEventType, UnacceptableUrl, HostUnknown, AddressRefused)
async def create(
    body: WebhookCreate, who: Admin, webhooks: Webhooks, answer: Annotated[Once, Depends(once)]
) -> WebhookCreated:
    """Adds a webhook. Keep the `secret`: it is shown this once, and verifies what arrives (standardwebhooks.com)."""
    return await answer.keep(await webhooks.create(who.organization_id, Actor.of(who), body))


@router.get("")
async def page(
    who: Admin, webhooks: Webhooks, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[WebhookRead]:
    """The organization's webhooks, oldest first."""
    found = await webhooks.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{webhook_id}")
async def get(webhook_id: Id, who: Admin, webhooks: Webhooks, response: Response) -> WebhookRead:
    return tagged(response, await webhooks.get(who.organization_id, webhook_id))


@router.patch("/{webhook_id}")
@raises(UnknownEventType, UnacceptableUrl, HostUnknown, AddressRefused)
async def change(
    webhook_id: Id, body: WebhookChange, who: Admin, webhooks: Webhooks, expected: IfMatch, response: Response
) -> WebhookRead:
    """Changes what the body names. One that the platform turned off is turned on with `enabled`."""
    return tagged(response, await webhooks.change(who.organization_id, webhook_id, Actor.of(who), body, expected))


@router.delete("/{webhook_id}", status_code=204)
async def remove(webhook_id: Id, who: Admin, webhooks: Webhooks, expected: IfMatch) -> None:
    """Removes it with its log; what waits is not sent."""
    await webhooks.remove(who.organization_id, webhook_id, Actor.of(who), expected)


@router.post("/{webhook_id}/secret", status_code=201)
async def renew_secret(
    webhook_id: Id, who: Admin, webhooks: Webhooks, answer: Annotated[Once, Depends(once)]
) -> WebhookSecret:
    """A new secret, shown this once; for a day both sign, so that receivers can change over."""
    return await answer.keep(await webhooks.renew_secret(who.organization_id, webhook_id, Actor.of(who)))


@router.post("/{webhook_id}/test", status_code=202)
@raises(WebhookIsOff)
async def test(webhook_id: Id, who: Admin, webhooks: Webhooks, answer: Annotated[Once, Depends(once)]) -> DeliveryRead:
    """Sends a `webhook.test` event; the delivery says what the receiver answers."""
    return await answer.keep(await webhooks.test(who.organization_id, webhook_id))


@router.get("/{webhook_id}/deliveries")
async def deliveries(
    webhook_id: Id,
    who: Admin,
    webhooks: Webhooks,
    request: Request,
    response: Response,
    state: DeliveryState | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeliveryRead]:
    """What was and will be sent, newest first; kept for 30 days."""
    found = await webhooks.deliveries(who.organization_id, webhook_id, state=state, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{webhook_id}/deliveries/{delivery_id}")
async def delivery(webhook_id: Id, delivery_id: DeliveryId, who: Admin, webhooks: Webhooks) -> DeliveryDetail:
    """One delivery with its body and every attempt."""
    return await webhooks.delivery(who.organization_id, webhook_id, delivery_id)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
@raises(WebhookIsOff)
async def replay(webhook_id: Id, delivery_id: DeliveryId, who: Admin, webhooks: Webhooks) -> DeliveryRead:
    """Sends it again, under the same `webhook-id`."""
    return await webhooks.replay(who.organization_id, webhook_id, delivery_id)
