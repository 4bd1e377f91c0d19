"""Jobs without a broker: what is in the outbox is handed to the consumers, and devices answer by command."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from device_management.actions.service import ActionService
from device_management.bootstrap import Core, open_core
from device_management.mass_configuration.consumers import EndConsumer
from device_management.mass_configuration.jobs import JobSteps
from shared.contracts.commands import DeviceReply
from shared.contracts.envelope import Envelope
from shared.precedence import Precedence

Answers = Callable[..., Awaitable[int]]


@pytest.fixture
async def core(app, settings) -> AsyncIterator[Core]:
    async with open_core(settings) as core:
        yield core


@pytest.fixture
def steps(core) -> JobSteps:
    return JobSteps(core.scopes, Precedence())


@pytest.fixture
def tell(core, sql) -> Callable[[], Awaitable[None]]:
    """Hands every end of an action in the outbox to mass configuration, also those it has heard before."""
    consumer = EndConsumer(core.scopes)

    async def everything() -> None:
        rows = await sql.fetch(
            "select payload from outbox where type similar to 'action.(completed|failed|cancelled|timed_out).v1' "
            "or type = 'device.purged.v1' order by id"
        )
        await consumer([Envelope.decode(row["payload"].encode()) for row in rows])

    return everything


@pytest.fixture
def answer(core, sql) -> Answers:
    """Devices answer what they were last asked: the named ones, or all; answers how many did."""

    async def by(*uids: str, state: str = "completed", error: str | None = None) -> int:
        rows = await sql.fetch(
            "select device_uid, command_id from actions where state = 'running' and command_id is not null "
            "and ($1::text[] = '{}' or device_uid = any($1))",
            list(uids),
        )
        replies = [
            (row["device_uid"], DeviceReply(id=str(row["command_id"]), state=state, error=error)) for row in rows
        ]
        async with core.scopes() as scope:
            await scope.get(ActionService).hear(replies)
        return len(replies)

    return by


@pytest.fixture
async def pumps(admin) -> list[str]:
    """Ten devices, of which eight are gateways."""
    uids = [f"pump-{number}" for number in range(10)]
    for number, uid in enumerate(uids):
        body = {"device_uid": uid, "attributes": {"type": "gateway" if number < 8 else "sensor"}}
        assert (await admin.post("/api/v2/devices", json=body)).status_code == 201
    return uids
