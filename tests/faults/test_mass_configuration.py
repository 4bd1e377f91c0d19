"""A mass configuration asks every device once and ends with one outcome for each, whatever dies on the way."""

import asyncio
import json
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types
import httpx
import pytest

from muster_cli.mqtt.connection import MqttConnection
from muster_cli.mqtt.packets import Will
from muster_stack.stack import Stack
from shared.testing import eventually

DEVICES = 40
API, WORKER = "device-management-api", "device-management-worker"
JOBS = "/api/v2/configuration/jobs"

Simulated = Callable[[str, int], Awaitable[asyncio.subprocess.Process]]

Start = Callable[..., Awaitable["Job"]]
Dying = Callable[..., AbstractAsyncContextManager[None]]


class Database:
    """device-management's, which is there whatever else is not."""

    def __init__(self, stack: Stack) -> None:
        self._url = f"{stack.info['postgres']}/device_management"

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        connection = cast("Any", await asyncpg.connect(self._url))  # pyright: ignore[reportUnknownMemberType]
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    @asynccontextmanager
    async def holding(self, locking: str) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
        """Holds the locks that a statement takes until the block ends, or what it gets is called."""
        connection = cast("Any", await asyncpg.connect(self._url))  # pyright: ignore[reportUnknownMemberType]
        try:
            await connection.execute(f"begin; {locking}")
            yield connection.close
        finally:
            await connection.close()

    async def stands_at(self, statement: str) -> None:
        """Waits until somebody's transaction waits in a statement of this beginning for what is held."""
        waiting = "select from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%' || $1 || '%'"
        await eventually(lambda: self.rows(waiting, statement), why=f"somebody waits in {statement!r}")


class Job:
    """A mass configuration, looked at in the database."""

    def __init__(self, database: Database, job_id: str) -> None:
        self._database = database
        self.id = UUID(job_id)

    async def counts(self, state: str, at_least: int) -> None:
        """Waits until so many items are in a state."""
        query = "select count(*) from configuration_job_items where job_id = $1 and state = $2"

        async def counted() -> bool:
            [row] = await self._database.rows(query, self.id, state)
            return row["count"] >= at_least

        await eventually(counted, why=f"{at_least} items {state}")

    async def completed(self) -> None:
        async def ended() -> bool:
            [row] = await self._database.rows("select state from configuration_jobs where id = $1", self.id)
            return row["state"] == "completed"

        await eventually(ended, interval=0.1, why="the job completed")

    async def asked_each_device_once(self, number: int) -> None:
        """One outcome for each item, and of each device one action with one attempt and one end."""
        rows = self._database.rows
        items = await rows("select * from configuration_job_items where job_id = $1", self.id)
        assert [(item["state"], item["attempts"], item["reason"]) for item in items] == [
            ("succeeded", 1, None)
        ] * number
        asked = "select * from actions where bulk_id = any($1)"
        actions = await rows(asked, list({item["bulk_id"] for item in items}))
        assert sorted(action["device_uid"] for action in actions) == sorted(item["name"] for item in items)
        attempts = "select state from action_attempts where action_id = any($1)"
        states = [row["state"] for row in await rows(attempts, [action["id"] for action in actions])]
        assert states == ["completed"] * number
        told = "select subject, array_agg(type order by id) types from outbox where subject = any($1) group by subject"
        lives = [row["types"] for row in await rows(told, [f"action/{action['id']}" for action in actions])]
        assert len(lives) == number
        assert all(life.count("action.started.v1") == life.count("action.completed.v1") == 1 for life in lives)
        assert not {told for life in lives for told in life} & {"action.failed.v1", "action.timed_out.v1"}
        [of_job] = await rows(told, [f"configuration_job/{self.id}"])
        began, *between, ended = of_job["types"]
        assert (began, ended) == ("configuration_job.started.v1", "configuration_job.completed.v1")
        assert set(between) <= {"configuration_job.progressed.v1"}


@pytest.fixture
def prefix() -> str:
    return f"mass{uuid4().hex[:6]}"


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database(stack)


@pytest.fixture
def start(people: httpx.AsyncClient, database: Database):
    """`await start(rql=..., params=...)` is the job."""

    async def start(headers: dict[str, str] | None = None, **order: Any) -> Job:
        answer = await people.post(JOBS, json={"concurrency": 10, "deadline_s": 600, **order}, headers=headers)
        assert answer.status_code == 202, answer.text
        return Job(database, answer.json()["id"])

    return start


@pytest.fixture
def dying(stack: Stack, database: Database):
    """Kills `victim` in the middle of the transaction that stands at `statement`, because `table` is locked."""

    @asynccontextmanager
    async def dying(victim: str, *, table: str, statement: str) -> AsyncGenerator[None]:
        async with database.holding(f"lock table {table} in share mode"):
            yield
            await database.stands_at(statement)
            stack.kill(victim)

    return dying


async def all_report(database: Database, prefix: str, params: dict[str, Any]) -> None:
    """Waits until every device reports what it was set to."""
    query = "select desired, reported from configurations join devices on id = device_id where device_uid like $1"

    async def reported() -> bool:
        found = [[json.loads(column or "null") for column in row] for row in await database.rows(query, f"{prefix}-%")]
        return found == [[params, params]] * DEVICES

    await eventually(reported, interval=0.2, why="every device reports what it was set to")


async def die_and_return(stack: Stack, victim: str) -> None:
    stack.kill(victim)
    await asyncio.to_thread(stack.start, victim)


async def test_every_device_is_asked_once_though_its_process_dies_in_the_middle_of_each_step(
    stack: Stack,
    people: httpx.AsyncClient,
    simulated: Simulated,
    prefix: str,
    database: Database,
    start: Start,
    dying: Dying,
):
    devices = await simulated(prefix, DEVICES)
    devices.send_signal(signal.SIGSTOP)
    order: dict[str, Any] = {
        "rql": f'like(device_uid,"{prefix}-*")',
        "params": {"interval_s": 5},
        "concurrency": DEVICES,
    }
    once = {"Idempotency-Key": prefix}
    try:
        async with dying(API, table="configuration_job_items", statement="insert into configuration_job_items"):
            asking = asyncio.create_task(people.post(JOBS, json=order, headers=once))
        assert (await asking).is_server_error
        await asyncio.to_thread(stack.start, API)
        async with dying(WORKER, table="device_commands", statement="insert into device_commands"):
            job = await start(headers=once, **order)
        await asyncio.to_thread(stack.start, WORKER)
        await job.counts("dispatched", DEVICES)
        async with dying(WORKER, table="action_attempts", statement="update action_attempts"):
            devices.send_signal(signal.SIGCONT)
        async with dying(WORKER, table="configuration_job_items", statement="update configuration_job_items"):
            await asyncio.to_thread(stack.start, WORKER)
        async with database.holding(f"select from configuration_jobs where id = '{job.id}' for key share") as let_go:
            await asyncio.to_thread(stack.start, WORKER)
            await job.counts("succeeded", DEVICES)
            async with dying(WORKER, table="configuration_jobs", statement="update configuration_jobs"):
                await let_go()
    finally:
        devices.send_signal(signal.SIGCONT)
        for process in (API, WORKER):
            await asyncio.to_thread(stack.start, process)
    await job.completed()
    await job.asked_each_device_once(DEVICES)
    await all_report(database, prefix, order["params"])


async def test_every_device_is_asked_once_by_two_workers_while_processes_die_again_and_again(
    stack: Stack,
    simulated: Simulated,
    prefix: str,
    database: Database,
    start: Start,
    beside: Callable[[str], AbstractContextManager[None]],
):
    await simulated(prefix, DEVICES)
    with beside(WORKER):
        job = await start(rql=f'like(device_uid,"{prefix}-*")', params={"interval_s": 6})
        for settled, victim in ((1, WORKER), (15, API), (30, WORKER)):
            await job.counts("succeeded", settled)
            await die_and_return(stack, victim)
        await job.completed()
    await job.asked_each_device_once(DEVICES)
    await all_report(database, prefix, {"interval_s": 6})


async def test_every_device_is_asked_once_though_the_broker_dies_and_is_away_while_actions_are_created(
    stack: Stack, simulated: Simulated, prefix: str, database: Database, start: Start
):
    await simulated(prefix, DEVICES)
    everyone = f'like(device_uid,"{prefix}-*")'
    first = await start(rql=everyone, params={"interval_s": 7})
    await first.counts("succeeded", 10)
    stack.kill("rabbitmq")
    try:
        second = await start(rql=everyone, params={"mode": "eco"})
        await second.counts("dispatched", 10)
    finally:
        await asyncio.to_thread(stack.start, "rabbitmq")
    for job in (first, second):
        await job.completed()
        await job.asked_each_device_once(DEVICES)
    await all_report(database, prefix, {"interval_s": 7, "mode": "eco"})


async def test_answers_that_come_twice_and_in_any_order_make_one_outcome(
    stack: Stack, people: httpx.AsyncClient, prefix: str, start: Start
):
    (await people.post("/api/v2/devices", json={"device_uid": prefix})).raise_for_status()
    token = (await people.post(f"/api/v2/devices/{prefix}/token")).json()["token"]
    commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    came: set[str] = set()

    def take(_topic: str, payload: bytes) -> None:
        """What comes again is done once: a device that has just connected is reminded of what it is silent about."""
        command = json.loads(payload)
        if command["id"] not in came:
            commands.put_nowait(command)
        came.add(command["id"])

    device = MqttConnection(lambda: None, take)
    host, port = stack.info["mqtt"].split(":")
    will = Will(f"devices/{prefix}/status", b'{"online":false}')
    await device.open(host, int(port), uid=prefix, token=token, will=will)
    await device.subscribe(f"devices/{prefix}/commands")

    async def answer(command: dict[str, Any], *states: str) -> None:
        for state in states:
            body = {"id": command["id"], "state": state}
            await device.publish(f"devices/{prefix}/replies", json.dumps(body).encode())

    try:
        job = await start(device_uids=[prefix], params={"interval_s": 9})
        command = await asyncio.wait_for(commands.get(), 60)
        assert (command["type"], command["params"]) == ("configuration_change", {"configuration": {"interval_s": 9}})
        await answer(command, "completed", "completed", "running", "failed", "completed", "running")
        await job.completed()
        await answer(command, "failed", "completed")
        after = (await people.post("/api/v2/actions", json={"device_uid": prefix, "type": "calibrate"})).json()
        await answer(await asyncio.wait_for(commands.get(), 60), "completed")

        async def heard_all() -> bool:
            return (await people.get(f"/api/v2/actions/{after['action_id']}")).json()["state"] == "completed"

        await eventually(heard_all, why="what was said before has been heard too")
        await job.asked_each_device_once(1)
    finally:
        await device.close()
