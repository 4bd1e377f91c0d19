"""Whatever people, devices and time do to two queues, they are as a plain model of them says; at once or in turn."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

Step = tuple[Any, ...]
Hear = Callable[..., Awaitable[None]]
Timer = Callable[[], Awaitable[None]]

DEVICES = ("pump-1", "pump-2")
RETRY = {"busy": {"max_attempts": 2, "backoff_s": 600}}

_some = st.integers(0, 6)
_ask = st.tuples(st.just("ask"), st.sampled_from(DEVICES), st.integers(-1, 1))
steps: st.SearchStrategy[Step] = st.one_of(
    *[_ask] * 3,
    st.tuples(st.just("cancel"), _some),
    st.tuples(st.just("expire"), _some),
    st.just(("wait",)),
    st.tuples(
        st.just("reply"),
        _some,
        st.sampled_from(["running", "completed", "failed"]),
        st.sampled_from([None, "busy"]),
        st.booleans(),
    ),
)
SETTINGS = hypothesis_settings(max_examples=25)


@dataclass
class Modelled:
    """An action as it ought to be."""

    uid: str
    priority: int
    state: str = "pending"
    attempt: int = 0
    waits: bool = False
    """For its next attempt."""


class Model:
    def __init__(self) -> None:
        self.actions: list[Modelled] = []

    def ask(self, uid: str, priority: int) -> None:
        self.actions.append(Modelled(uid, priority))

    def end(self, index: int, state: str) -> None:
        if self.actions[index].state in {"pending", "running"}:
            self.actions[index].state = state

    def reply(self, index: int, said: str, error_class: str | None, *, first: bool) -> None:
        action = self.actions[index]
        of_the_present_attempt = not first or action.attempt == 1
        if action.state != "running" or action.waits or not of_the_present_attempt or said == "running":
            return
        if said == "failed" and error_class == "busy" and action.attempt < 2:
            action.waits = True
        else:
            action.state = said

    def wait(self) -> None:
        for action in self.actions:
            if action.state == "running" and action.waits:
                action.waits, action.attempt = False, action.attempt + 1

    def go_on(self) -> None:
        for uid in DEVICES:
            mine = [action for action in self.actions if action.uid == uid]
            waiting = [action for action in mine if action.state == "pending"]
            if waiting and not any(action.state == "running" for action in mine):
                next_one = max(waiting, key=lambda action: action.priority)
                next_one.state, next_one.attempt = "running", 1


class World:
    """The same steps on the service."""

    def __init__(self, client: httpx.AsyncClient, sql: Any, hear: Hear, timer: Timer) -> None:
        self.client, self.sql, self.hear, self.timer = client, sql, hear, timer

    async def prepare(self) -> None:
        await self.sql.execute("truncate actions, action_attempts, device_commands, outbox restart identity cascade")
        await self.sql.execute("update devices set current_action_id = null, action_status = null")

    async def ask(self, uid: str, priority: int) -> None:
        body = {"device_uid": uid, "type": "dance", "priority": priority, "retry": RETRY}
        assert (await self.client.post("/api/v2/actions", json=body)).status_code == 202

    async def cancel(self, number: int) -> None:
        assert (await self.client.post(f"/api/v2/actions/{number}/cancel")).status_code in {200, 404, 409}

    async def reply(self, number: int, said: str, error_class: str | None, *, first: bool) -> None:
        query = "select id, device_uid from action_attempts where action_id = $1 order by number"
        attempts = await self.sql.fetch(query, number)
        if attempts:
            attempt = attempts[0 if first else -1]
            identity: UUID = attempt["id"]
            body = {"id": str(identity), "state": said, "error": "no", "error_class": error_class}
            await self.hear((attempt["device_uid"], {key: value for key, value in body.items() if value is not None}))

    async def expire(self, number: int) -> None:
        await self.sql.execute("update actions set deadline = now() where id = $1", number)
        await self.timer()

    async def wait(self) -> None:
        await self.sql.execute("update actions set next_attempt_at = now() where next_attempt_at is not null")
        await self.timer()

    async def rows(self) -> list[tuple[str, int]]:
        return [(row["state"], row["attempt"]) for row in await self.sql.fetch("select * from actions order by id")]

    async def check(self) -> None:
        """What holds always: one runs on each device and is shown by it; none waits for an idle one."""
        broken = await self.sql.fetch(
            """
            select 'idle' from devices d where exists (
                select from actions where device_id = d.id and state = 'pending'
              ) and not exists (select from actions where device_id = d.id and state = 'running')
            union all
            select 'shown' from devices d where current_action_id is distinct from (
                select id from actions where device_id = d.id and state = 'running'
              )
            union all
            select 'attempts' from actions a where attempt <> (
                select count(*) from action_attempts where action_id = a.id
              )
            union all
            select 'open attempt' from actions a join action_attempts t on t.action_id = a.id
              where a.state in ('completed', 'failed', 'cancelled', 'timed_out') and t.state in ('sent', 'running')
            union all
            select 'told twice' from outbox where type in (
                'action.requested.v1', 'action.started.v1', 'action.completed.v1', 'action.failed.v1',
                'action.cancelled.v1', 'action.timed_out.v1'
              ) group by subject, type having count(*) > 1
            """
        )
        assert not broken, broken


THE_GREATEST_PRIORITY_IS_NEXT: list[Step] = [
    *(("ask", "pump-1", priority) for priority in (0, -1, 1, 1)),
    ("reply", 0, "completed", None, False),
    ("cancel", 2),
    ("expire", 3),
]


@given(st.lists(steps, min_size=1, max_size=15))
@example(THE_GREATEST_PRIORITY_IS_NEXT)
@SETTINGS
async def test_in_turn_the_queues_are_as_the_model_says(
    fleet: httpx.AsyncClient, sql: Any, hear: Hear, timer: Timer, taken: list[Step]
):
    world, model = World(fleet, sql, hear, timer), Model()
    await world.prepare()
    for step in taken:
        match step:
            case ("ask", uid, priority):
                await world.ask(uid, priority)
                model.ask(uid, priority)
            case ("cancel" | "expire" as verb, index):
                await getattr(world, verb)(index + 1)
                if index < len(model.actions):
                    model.end(index, {"cancel": "cancelled", "expire": "timed_out"}[verb])
            case ("reply", index, said, error_class, first):
                await world.reply(index + 1, said, error_class, first=first)
                if index < len(model.actions):
                    model.reply(index, said, error_class, first=first)
            case _:
                await world.wait()
                model.wait()
        model.go_on()
        assert await world.rows() == [(action.state, action.attempt) for action in model.actions]
        await world.check()


@given(st.lists(st.lists(steps, min_size=2, max_size=4), min_size=1, max_size=6))
@SETTINGS
async def test_at_once_no_queue_stands_still_and_nothing_happens_twice(
    fleet: httpx.AsyncClient, sql: Any, hear: Hear, timer: Timer, taken: list[list[Step]]
):
    world = World(fleet, _InTurn(sql), hear, timer)
    await world.prepare()

    async def act(step: Step) -> None:
        match step:
            case ("ask", uid, priority):
                await world.ask(uid, priority)
            case ("cancel" | "expire" as verb, index):
                await getattr(world, verb)(index + 1)
            case ("reply", index, said, error_class, first):
                await world.reply(index + 1, said, error_class, first=first)
            case _:
                await world.wait()

    for together in taken:
        await asyncio.gather(*(act(step) for step in together))
        await world.check()


class _InTurn:
    """One bare connection for several tasks."""

    def __init__(self, sql: Any) -> None:
        self._sql = sql
        self._turn = asyncio.Lock()

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any) -> Any:
            async with self._turn:
                return await getattr(self._sql, name)(*arguments)

        return call
