import asyncio
from datetime import timedelta

import pytest

from shared.cancellation import end
from shared.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.ids import RandomIds
from shared.messaging.errors import BrokerAway, PublishRefused
from shared.mongo.lease import Lease
from shared.outbox.documents import DocumentRelay, create_outbox_index, pending
from shared.testing import eventually
from shared.testing.documents import opened

from .harness import Recorded, registered


@pytest.fixture
async def database(mongodb_url: str, mongodb_database: str):
    async with opened(mongodb_url, mongodb_database) as database:
        yield database


@pytest.fixture
async def things(database):
    await create_outbox_index(database["things"])
    return database["things"]


@pytest.fixture
async def relay(database, things, recorded: Recorded):
    tasks: list[asyncio.Task[None]] = []

    def begin(publisher=recorded, *, holder: str = "a", ttl: float = 3_600, **options) -> DocumentRelay:
        lease = Lease(database["leases"], "relay", holder=holder, ttl=timedelta(seconds=ttl))
        options = {"poll": timedelta(milliseconds=50)} | options
        begun = DocumentRelay([things], publisher, lease, **options)
        tasks.append(asyncio.create_task(begun.run()))
        return begun

    yield begin
    recorded.gate.set()
    await end(tasks)


async def change(things, uid: str, *versions: int) -> None:
    """Changes the document and tells of it, in one update."""
    events = [
        pending(registered(uid, version), source="test", clock=SystemClock(), ids=RandomIds()) for version in versions
    ]
    await things.update_one(
        {"_id": uid}, {"$set": {"version": versions[-1]}, "$push": {"outbox": {"$each": events}}}, upsert=True
    )


def versions(recorded: Recorded, uid: str) -> list[int]:
    return [event.data["version"] for event in recorded.events if event.subject == f"device/{uid}"]


async def test_events_are_published_in_order_and_leave_their_document(things, relay, recorded: Recorded):
    await change(things, "a", 1, 2)
    relay()
    await change(things, "a", 3)
    await eventually(lambda: versions(recorded, "a") == [1, 2, 3])
    await eventually(lambda: _equals(things.find_one(), {"_id": "a", "version": 3}))


async def test_the_published_body_is_an_envelope(things, relay, recorded: Recorded):
    await change(things, "a", 1)
    relay()
    await eventually(lambda: recorded.events)
    assert isinstance(recorded.events[0], Envelope)
    assert recorded.events[0].type == "device.registered.v1"


async def test_a_change_during_the_publish_is_not_lost(things, relay, recorded: Recorded):
    recorded.gate.clear()
    await change(things, "a", 1)
    relay()
    await eventually(lambda: recorded.under_way == 1)
    await change(things, "a", 2)
    recorded.gate.set()
    await eventually(lambda: versions(recorded, "a") == [1, 2])


async def test_a_refused_event_holds_back_its_own_document_only(things, relay, recorded: Recorded):
    recorded.refuses["a"] = PublishRefused("full")
    await change(things, "a", 1, 2)
    await change(things, "b", 1)
    relay(batch=1)
    await eventually(lambda: versions(recorded, "b") == [1])
    await change(things, "b", 2)
    await eventually(lambda: versions(recorded, "b") == [1, 2])
    recorded.refuses.clear()
    await eventually(lambda: versions(recorded, "a") == [1, 2])


async def test_while_the_broker_is_away_everything_stays(things, relay, recorded: Recorded):
    recorded.refuses["a"] = BrokerAway("away")
    await change(things, "a", 1)
    relay()
    await eventually(lambda: recorded.asked > 3)
    assert len((await things.find_one())["outbox"]) == 1
    recorded.refuses.clear()
    await eventually(lambda: versions(recorded, "a") == [1])


async def test_one_relay_acts_at_a_time_and_the_next_takes_over(things, relay, recorded: Recorded):
    recorded.gate.clear()
    await change(things, "a", 1)
    relay(holder="a", ttl=1)
    await eventually(lambda: recorded.under_way == 1)
    successor = Recorded()
    relay(successor, holder="b")
    await eventually(lambda: versions(successor, "a") == [1])
    await eventually(lambda: _equals(things.find_one(), {"_id": "a", "version": 1}))
    recorded.gate.set()
    await change(things, "a", 2)
    await eventually(lambda: versions(successor, "a") == [1, 2])


async def test_two_relays_do_not_publish_side_by_side(things, relay, recorded: Recorded):
    relay(holder="a", batch=3)
    relay(holder="b", batch=3)
    for number in range(30):
        await change(things, f"pump-{number}", 1)
    await eventually(lambda: len(recorded.events) >= 30)
    assert recorded.most_at_once == 1
    assert len(recorded.events) == 30


async def test_a_relay_in_the_same_process_can_be_woken(things, relay, recorded: Recorded):
    begun = relay(poll=timedelta(hours=1))
    await eventually(lambda: recorded.asked == 0)
    await change(things, "a", 1)
    begun.wake()
    await eventually(lambda: versions(recorded, "a") == [1])


async def test_a_store_killed_and_started_again_loses_no_event(servers, things, relay, recorded: Recorded):
    relay()
    await change(things, "a", 1)
    await eventually(lambda: versions(recorded, "a") == [1])
    recorded.refuses["a"] = BrokerAway("away")
    await change(things, "a", 2)
    try:
        await asyncio.to_thread(servers.kill, "mongodb")
    finally:
        await asyncio.to_thread(servers.start, "mongodb")
    recorded.refuses.clear()
    await eventually(lambda: 2 in versions(recorded, "a"))


async def _equals(asked, wanted: object) -> bool:
    return await asked == wanted
