"""The questions: one function each, which answers what it has found in a few words."""

import asyncio
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from grpc import aio
from pydantic import BaseModel, ValidationError

from muster_cli.client import MusterClient
from muster_cli.connection import Connection, Endpoint
from muster_cli.dead_letters.letters import DeadLetters
from muster_cli.doctor.findings import Failed, NotAsked

INTERFACE = "2"
"""The version of the REST interface that this command speaks."""

GRPC_TIMEOUT_S = 3.0
_SKEW_S = 30.0
_START = "start it with `make up`, or name another with --server"
_LOGS = "its log says why: `make logs SERVICE={}`"


class _Health(BaseModel):
    checks: dict[str, str]


class _About(BaseModel):
    version: str


class _Document(BaseModel):
    info: _About


async def gateway(http: httpx.AsyncClient) -> str:
    await _get(http, "/health/device-management")
    return str(http.base_url).rstrip("/")


async def service(http: httpx.AsyncClient, name: str) -> str:
    """Through the gateway: what the service itself asks before it calls itself ready."""
    response = await _get(http, f"/health/{name}")
    try:
        checks = _Health.model_validate_json(response.content).checks
    except ValidationError:
        raise Failed(f"answers {response.status_code}", _LOGS.format(name)) from None
    wrong = [f"{dependency}: {answer}" for dependency, answer in checks.items() if answer != "ok"]
    if wrong:
        raise Failed(", ".join(wrong), f"see that it is up with `make status`; {_LOGS.format(name)}")
    return f"ready ({', '.join(checks)})"


async def version(http: httpx.AsyncClient) -> str:
    response = await _get(http, "/openapi.json")
    try:
        spoken = _Document.model_validate_json(response.content).info.version
    except ValidationError:
        raise NotAsked("the platform does not say") from None
    if spoken != INTERFACE:
        raise Failed(f"the platform speaks {spoken}, this command {INTERFACE}", "install the command of that version")
    return f"interface {spoken}"


async def clock(http: httpx.AsyncClient) -> str:
    """What this machine's clock differs from the platform's by, which says the time to the second."""
    response = await _get(http, "/health/device-management")
    said = response.headers.get("Date")
    if said is None:
        raise NotAsked("the platform does not say the time")
    ahead = (datetime.now(UTC) - parsedate_to_datetime(said)).total_seconds()
    if abs(ahead) > _SKEW_S:
        side = "ahead of" if ahead > 0 else "behind"
        step = "set the one that is wrong by NTP: tokens and samples carry times"
        raise Failed(f"this machine is {abs(ahead):.0f} s {side} the platform", step)
    return f"within {max(1.0, abs(ahead)):.0f} s"


async def sign_in(connection: Connection) -> str:
    async with MusterClient.open(connection.server, connection.sign_in()) as client:
        me = await client.me()
    return f"{me.email} of {me.organization.name}, {len(me.scopes)} scopes"


async def live(http: httpx.AsyncClient) -> str:
    response = await _get(http, "/socket.io/?EIO=4&transport=polling")
    if not response.is_success:
        raise Failed(f"Socket.IO answers {response.status_code}", _LOGS.format("monitoring"))
    return "Socket.IO answers"


async def port(endpoint: Endpoint) -> str:
    try:
        _, writer = await asyncio.open_connection(*endpoint)
    except OSError as error:
        where = str(endpoint)
        step = "see that rabbitmq is up with `make status`, and that no firewall is in between"
        raise Failed(f"{where}: {error.strerror or 'no connection'}", step) from None
    writer.close()
    return f"{endpoint} listens"


async def grpc(endpoint: Endpoint) -> str:
    where = str(endpoint)
    async with aio.insecure_channel(where) as channel:
        try:
            async with asyncio.timeout(GRPC_TIMEOUT_S):
                await channel.channel_ready()
        except TimeoutError:
            raise Failed(f"nothing answers at {where}", _LOGS.format("device-management")) from None
    return f"{where} answers"


async def broker(connection: Connection) -> str:
    """With an operator's credentials, where there are some."""
    if connection.amqp is None:
        raise NotAsked("set MUSTER_AMQP_URL to ask it; the services ask it themselves")
    async with DeadLetters.open(connection.amqp) as letters:
        counts, unread = await letters.counts(), await letters.unread()
    if unread:
        workers = ", ".join(sorted({queue.partition(".")[0] for queue in unread}))
        raise Failed(f"nobody reads {', '.join(unread)}", f"start the worker of {workers}: `make up`")
    if dead := sum(counts.values()):
        raise Failed(f"{dead} dead letters", "`muster dead-letters list` shows where")
    return "answers, every queue is read, no dead letters"


async def _get(http: httpx.AsyncClient, path: str) -> httpx.Response:
    try:
        return await http.get(path)
    except httpx.HTTPError as error:
        raise Failed(f"nothing answers at {http.base_url}: {type(error).__name__}", _START) from None
