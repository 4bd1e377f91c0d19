import asyncio

import pytest
from standardwebhooks.webhooks import Webhook

from shared.egress import Egress
from shared.testing import eventually

HOOKS = "/api/v2/webhooks"


@pytest.fixture
async def hook(admin, receiver):
    answer = await admin.post(HOOKS, json={"url": receiver.url, "event_types": ["device.*"]})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def register(admin, uid: str) -> None:
    assert (await admin.post("/api/v2/devices", json={"device_uid": uid})).status_code == 201


async def delivery_of(admin, hook):
    deliveries = (await admin.get(f"{HOOKS}/{hook['id']}/deliveries")).json()["items"]
    return (await admin.get(f"{HOOKS}/{hook['id']}/deliveries/{deliveries[0]['id']}")).json()


def delivery_is(admin, hook, *, attempted: int | None = None, **expected):
    """The newest delivery, once it is as expected and as many attempts are on record."""

    async def asked():
        delivery = await delivery_of(admin, hook)
        assert attempted in {None, len(delivery["history"])}
        assert {name: delivery[name] for name in expected} == expected
        return delivery

    return eventually(asked)


async def due_now(sql) -> None:
    await sql.execute("update webhook_deliveries set next_attempt_at = now() where state = 'pending'")


async def test_an_event_arrives_signed_with_its_data(admin, hook, receiver, worker, hear):
    await register(admin, "pump-1")
    await hear()
    worker()
    await eventually(lambda: len(receiver.arrived) == 1)
    headers, body = receiver.arrived[0]
    content = Webhook(hook["secret"]).verify(body, headers)
    assert (content["type"], content["data"]["device_uid"]) == ("device.registered.v1", "pump-1")
    delivery = await delivery_is(admin, hook, state="delivered", attempts=1, next_attempt_at=None)
    assert headers["webhook-id"] == f"msg_{delivery['event_id'].replace('-', '')}"
    assert [(attempt["status"], attempt["error"]) for attempt in delivery["history"]] == [(204, None)]


async def test_an_event_that_comes_twice_is_sent_once(admin, hook, receiver, worker, hear):
    await register(admin, "pump-1")
    await hear()
    await hear()
    worker()
    await register(admin, "pump-2")
    await hear()
    await eventually(lambda: len(receiver.arrived) == 2)
    await delivery_is(admin, hook, state="delivered")
    assert len({headers["webhook-id"] for headers, _ in receiver.arrived}) == 2


async def test_only_what_was_asked_for_is_sent_and_only_to_its_organization(
    admin, stranger, hook, receiver, worker, hear, sql
):
    other = {"url": receiver.url, "event_types": ["*"]}
    assert (await stranger.post(HOOKS, json=other)).status_code == 201
    await admin.patch(f"{HOOKS}/{hook['id']}", json={"event_types": ["device.retired.v1"]})
    await register(admin, "pump-1")
    await hear()
    assert await sql.fetchval("select count(*) from webhook_deliveries") == 0


async def test_a_refusal_is_tried_again_later_and_the_history_tells(admin, hook, receiver, worker, hear, sql):
    receiver.answers = [500, 302]
    await register(admin, "pump-1")
    await hear()
    worker()
    delivery = await delivery_is(admin, hook, state="pending", attempts=1, attempted=1)
    assert delivery["next_attempt_at"] is not None
    assert [(attempt["status"], attempt["answer"]) for attempt in delivery["history"]] == [(500, "answer 500")]
    await due_now(sql)
    await delivery_is(admin, hook, state="pending", attempts=2, attempted=2)
    await due_now(sql)
    delivery = await delivery_is(admin, hook, state="delivered", attempts=3)
    assert [attempt["status"] for attempt in delivery["history"]] == [500, 302, 204]
    assert len(receiver.arrived) == 3, "a redirect is not followed"
    assert len({headers["webhook-id"] for headers, _ in receiver.arrived}) == 1


async def test_after_the_last_attempt_it_has_failed_and_can_be_replayed(admin, hook, receiver, worker, hear, sql):
    receiver.answers = [500]
    await register(admin, "pump-1")
    await hear()
    await sql.execute("update webhook_deliveries set attempts = 9")
    worker()
    delivery = await delivery_is(admin, hook, state="failed", attempts=10, next_attempt_at=None)
    answer = await admin.post(f"{HOOKS}/{hook['id']}/deliveries/{delivery['id']}/replay")
    assert (answer.status_code, answer.json()["state"]) == (202, "pending")
    await delivery_is(admin, hook, state="delivered", attempts=1)


async def test_a_receiver_that_is_gone_is_sent_nothing_more_until_people_turn_it_on(
    admin, hook, receiver, worker, hear
):
    receiver.answers = [410]
    await register(admin, "pump-1")
    await hear()
    worker()
    await delivery_is(admin, hook, state="failed")
    url = f"{HOOKS}/{hook['id']}"
    shown = (await admin.get(url)).json()
    assert (shown["enabled"], shown["disabled_because"]) == (False, "gone")
    await register(admin, "pump-2")
    await hear()
    shown = (await admin.patch(url, json={"enabled": True})).json()
    assert (shown["enabled"], shown["disabled_because"], shown["failing_since"]) == (True, None, None)
    assert len(receiver.arrived) == 1


async def test_a_webhook_that_fails_for_days_is_turned_off(admin, hook, receiver, worker, hear, sql):
    receiver.answers = [500, 500]
    await register(admin, "pump-1")
    await hear()
    worker()
    await delivery_is(admin, hook, attempts=1, attempted=1)
    await sql.execute("update webhooks set failing_since = now() - interval '6 days'")
    await due_now(sql)

    async def off() -> bool:
        shown = (await admin.get(f"{HOOKS}/{hook['id']}")).json()
        return (shown["enabled"], shown["disabled_because"]) == (False, "failing")

    await eventually(off)


async def test_a_slow_receiver_does_not_keep_others_waiting(admin, hook, receiver, worker, hear, sql):
    receiver.gate.clear()
    for number in range(8):
        await register(admin, f"pump-{number}")
    await hear()
    worker()
    await eventually(lambda: len(receiver.arrived) == 5)
    quick = (await admin.post(HOOKS, json={"url": f"{receiver.url}/quick", "event_types": ["*"]})).json()
    assert (await admin.post(f"{HOOKS}/{quick['id']}/test")).status_code == 202
    await eventually(lambda: "webhook.test" in receiver.types)
    receiver.gate.set()
    await eventually(lambda: len(receiver.arrived) == 9)


async def test_of_many_workers_one_sends_a_delivery(admin, hook, receiver, worker, hear, sql):
    for number in range(20):
        await register(admin, f"pump-{number}")
    await hear()
    for _ in range(4):
        worker()

    async def all_delivered() -> bool:
        return await sql.fetchval("select count(*) from webhook_deliveries where state = 'delivered'") == 20

    await eventually(all_delivered)
    assert len(receiver.arrived) == 20


async def test_what_a_worker_took_with_it_when_it_died_is_sent_by_another(
    admin, hook, receiver, worker, hear, core, sql
):
    await register(admin, "pump-1")
    await hear()
    await sql.execute(
        "update webhook_deliveries set attempts = 1, next_attempt_at = clock_timestamp() + interval '60 seconds'"
    )
    worker()
    await due_now(sql)
    await delivery_is(admin, hook, state="delivered", attempts=2)


async def test_an_address_inside_is_never_posted_to(admin, hook, receiver, worker, hear):
    await register(admin, "pump-1")
    await hear()
    worker(egress=Egress())
    delivery = await delivery_is(admin, hook, state="pending", attempts=1, attempted=1)
    assert "private or special range" in delivery["history"][0]["error"]
    assert receiver.arrived == []


async def test_nobody_there_is_said_in_the_history(admin, hook, worker, hear):
    await admin.patch(f"{HOOKS}/{hook['id']}", json={"url": "http://127.0.0.1:9/"})
    await register(admin, "pump-1")
    await hear()
    worker()
    delivery = await delivery_is(admin, hook, state="pending", attempts=1, attempted=1)
    assert "ConnectError" in delivery["history"][0]["error"]


async def test_for_a_day_the_old_secret_verifies_beside_the_new(admin, hook, receiver, worker, hear, sql):
    renewed = (await admin.post(f"{HOOKS}/{hook['id']}/secret")).json()
    assert renewed["secret"] != hook["secret"]
    await register(admin, "pump-1")
    await hear()
    sending = worker()
    await eventually(lambda: len(receiver.arrived) == 1)
    headers, body = receiver.arrived[0]
    for secret in (hook["secret"], renewed["secret"]):
        Webhook(secret).verify(body, headers)
    await delivery_is(admin, hook, state="delivered")
    await sql.execute("update webhooks set previous_until = now() - interval '1 second'")
    assert (await admin.post(f"{HOOKS}/{hook['id']}/test")).status_code == 202
    await eventually(lambda: len(receiver.arrived) == 2)
    assert len(receiver.arrived[1][0]["webhook-signature"].split(" ")) == 1
    sending.cancel()
    await asyncio.wait([sending])


class Resolves(Egress):
    """Finds every name on this machine, unless `error` comes in between."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error = error

    async def resolve(self, host: str, port: int) -> str:
        if self._error is not None:
            raise self._error
        return "127.0.0.1"


async def test_a_receiver_whose_name_has_letters_beyond_ascii_gets_its_events(admin, hook, receiver, worker, hear, sql):
    await sql.execute("update webhooks set url = $1", receiver.url.replace("127.0.0.1", "bücher.example"))
    await register(admin, "pump-1")
    await hear()
    worker(egress=Resolves())
    await delivery_is(admin, hook, state="delivered", attempts=1, attempted=1)
    [(headers, _)] = receiver.arrived
    assert headers["host"].partition(":")[0] == "xn--bcher-kva.example"


async def test_an_attempt_that_fails_as_nobody_foresaw_is_one_of_those_that_are_counted(admin, hook, worker, hear):
    await register(admin, "pump-1")
    await hear()
    worker(egress=Resolves(RuntimeError("never told")))
    delivery = await delivery_is(admin, hook, state="pending", attempted=1)
    assert delivery["history"][0]["error"] == "RuntimeError"
