"""What RabbitMQ's `rabbitmq_auth_backend_http` asks: forms in, `allow` or `deny` as text out.

Not reachable through the gateway, and outside the OpenAPI document: only the broker has a use for it.
"""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import PlainTextResponse

from device_management.broker_access.rules import TAG
from device_management.broker_access.service import BrokerAccessService
from shared.http.scope import use

router = APIRouter(prefix="/broker", include_in_schema=False, default_response_class=PlainTextResponse)

Access = Annotated[BrokerAccessService, use(BrokerAccessService)]
Field = Annotated[str, Form()]
Tags = Annotated[str, Form()]


@router.post("/user")
async def user(
    access: Access, username: Field, password: Field = "", client_id: Annotated[str | None, Form()] = None
) -> str:
    return f"allow {TAG}" if await access.may_log_in(username, password, client_id) else "deny"


@router.post("/vhost")
async def vhost(access: Access, vhost: Field, tags: Tags = "") -> str:
    return _answer(tags, access.may_enter(vhost))


@router.post("/resource")
async def resource(
    access: Access,
    username: Field,
    vhost: Field,
    kind: Annotated[str, Form(alias="resource")],
    name: Field,
    permission: Field,
    tags: Tags = "",
) -> str:
    return _answer(tags, access.may_use_resource(username, vhost=vhost, kind=kind, name=name, permission=permission))


@router.post("/topic")
async def topic(
    access: Access,
    username: Field,
    vhost: Field,
    name: Field,
    permission: Field,
    routing_key: Field,
    tags: Tags = "",
) -> str:
    allowed = await access.may_use_topic(
        username, vhost=vhost, exchange=name, permission=permission, routing_key=routing_key
    )
    return _answer(tags, allowed)


def _answer(tags: str, allowed: bool) -> str:
    return "allow" if allowed and TAG in tags.split() else "deny"
