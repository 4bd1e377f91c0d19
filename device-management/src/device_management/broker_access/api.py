"""What RabbitMQ's `rabbitmq_auth_backend_http` asks: forms in, `allow` or `deny` as text out.

Not reachable through the gateway, and outside the OpenAPI document: only the broker has a use for it. It asks five
times about each device of a fleet that it has not heard of for a while, so these are plain routes: with FastAPI's
parameters each costs three to four times as much.
"""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from device_management.broker_access.errors import IncompleteQuestion
from device_management.broker_access.rules import TAG
from device_management.broker_access.service import BrokerAccessService
from shared.http.scope import Scopes


class Question(dict[str, str]):
    """The fields of a form. Raises IncompleteQuestion for one that is asked for and not there."""

    def __missing__(self, field: str) -> str:
        raise IncompleteQuestion(f"{field} is missing")


Answers = Callable[[BrokerAccessService, Question], Awaitable[bool]]
Texts = Callable[[BrokerAccessService, Question], Awaitable[str]]


async def user(access: BrokerAccessService, asked: Question) -> str:
    tags = await access.log_in(asked["username"], asked.get("password", ""), asked.get("client_id"))
    return "deny" if tags is None else f"allow {tags}"


async def vhost(access: BrokerAccessService, asked: Question) -> bool:
    return _is_tagged(asked) and access.may_enter(asked["vhost"])


async def resource(access: BrokerAccessService, asked: Question) -> bool:
    return _is_tagged(asked) and access.may_use_resource(
        asked["username"],
        vhost=asked["vhost"],
        kind=asked["resource"],
        name=asked["name"],
        permission=asked["permission"],
    )


async def topic(access: BrokerAccessService, asked: Question) -> bool:
    return _is_tagged(asked) and await access.may_use_topic(
        asked["username"],
        vhost=asked["vhost"],
        exchange=asked["name"],
        permission=asked["permission"],
        routing_key=asked["routing_key"],
    )


def _is_tagged(asked: Question) -> bool:
    return TAG in asked.get("tags", "").split()


def _word(answers: Answers) -> Texts:
    async def text(access: BrokerAccessService, asked: Question) -> str:
        return "allow" if await answers(access, asked) else "deny"

    return text


def _route(text: Texts) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        form = (await request.body()).decode(errors="replace")
        asked = Question(parse_qsl(form, keep_blank_values=True))
        scopes: Scopes = request.app.state.scopes
        async with scopes() as scope:
            answer = await text(scope.get(BrokerAccessService), asked)
        return PlainTextResponse(answer)

    return endpoint


_ROUTES: Mapping[str, Callable[[Request], Awaitable[Response]]] = {
    "user": _route(user),
    "vhost": _route(_word(vhost)),
    "resource": _route(_word(resource)),
    "topic": _route(_word(topic)),
}

router = APIRouter(prefix="/broker")
for _name, _endpoint in _ROUTES.items():
    router.add_route(f"{router.prefix}/{_name}", _endpoint, methods=["POST"], name=_name, include_in_schema=False)
