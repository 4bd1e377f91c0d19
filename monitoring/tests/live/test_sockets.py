"""Live streams as a client sees them, over a real server, a real broker and a real store."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import aiohttp
import engineio
import httpx
import pytest
import socketio
from prometheus_client import REGISTRY
from socketio.exceptions import ConnectionError as Refused

from monitoring.actions.service import ActionTracker
from monitoring.actions.store import ActionStore
from monitoring.frames.models import FRAME_SECONDS
from monitoring.rollouts.service import RolloutTracker
from monitoring.rollouts.store import RolloutStore
from monitoring.snapshots.states import Topic
from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from monitoring.updates.service import UpdateTracker
from monitoring.updates.store import UpdateStore
from shared.clock import SystemClock
from shared.contracts.live import PresenceItem, TelemetryItem, UpdateItem
from shared.testing import eventually

from ..worlds import action_state, batch_state, configuration_state, job_state, release_state, sample, update_state


def telemetry(uid, ts, **metrics):
    return TelemetryItem(uid, ts, metrics or {"temperature": float(ts)})


def update(uid, *, counter=1, version=1, state="initiated", progress=None):
    return UpdateItem(uid, f"session-{counter}", counter, version, state, progress, "pump-firmware", "2.0.0", None, 5)


class Nobody:
    """Watches nothing."""

    def updates(self, organization_id, items):
        pass

    rollouts = actions = updates


EVENTS = ("release", "batch", "action", "configuration")


@pytest.fixture
def record(database, fleet, organizations):
    service = TelemetryService(TelemetryStore(database), fleet, organizations, clock=SystemClock())

    async def record(uid, **metrics):
        at = datetime.now(UTC)
        await service.record([Arrival(uid, sample(at, 1, **metrics), at, "")])

    return record


async def test_nobody_is_let_in_without_a_valid_token_of_a_person(person, credentials):
    for token in (
        None,
        "",
        "nonsense",
        credentials.device("pump-1"),
        credentials.person(lifetime=-timedelta(minutes=1)),
    ):
        with pytest.raises(Refused):
            await person(token=token or None).connect()


@pytest.mark.parametrize("transports", [("websocket",), ("polling",), ("polling", "websocket")])
async def test_a_snapshot_comes_first_and_then_frames(person, register, record, frames, transports):
    await register("pump-1", "pump-2")
    await record("pump-1", temperature=7.0)
    someone = await person().connect(transports)
    assert await someone.ask("subscribe") == {
        "ok": True,
        "topics": ["telemetry", "presence", "alerts", "actions", "configuration"],
        "devices": None,
        "groups": None,
    }
    assert [event for event, _ in someone.heard] == ["snapshot"]
    [snapshot] = someone.of("snapshot")
    [item] = snapshot["telemetry"]
    assert (item["device_uid"], item["metrics"]["temperature"]["value"]) == ("pump-1", 7.0)
    assert snapshot["presence"] == []
    frames.telemetry(1, [telemetry("pump-2", 1_000)])
    frames.presence(1, [PresenceItem("pump-2", True, 5, 1)])
    await eventually(lambda: someone.of("telemetry") and someone.of("presence"))
    assert someone.of("telemetry")[0] == {
        "items": [{"device_uid": "pump-2", "ts": 1_000, "metrics": {"temperature": 1_000.0}}]
    }
    assert someone.of("presence")[0] == {"items": [{"device_uid": "pump-2", "online": True, "since": 5, "version": 1}]}


async def test_who_watches_one_device_hears_of_no_other(person, register, frames):
    await register("pump-1", "pump-2")
    someone = await person().connect()
    answer = await someone.ask("subscribe", {"devices": ["pump-1"], "topics": ["telemetry"]})
    assert answer == {"ok": True, "topics": ["telemetry"], "devices": 1, "groups": 0}
    frames.telemetry(1, [telemetry("pump-2", 1), telemetry("pump-1", 1)])
    frames.presence(1, [PresenceItem("pump-1", True, 5, 1)])
    await eventually(lambda: someone.of("telemetry"))
    frames.telemetry(1, [telemetry("pump-1", 2)])
    await eventually(lambda: len(someone.of("telemetry")) == 2)
    uids = {item["device_uid"] for frame in someone.of("telemetry") for item in frame["items"]}
    assert uids == {"pump-1"}
    assert someone.of("presence") == []


async def test_another_organizations_device_is_not_found_and_nothing_is_joined(person, register, frames):
    await register("pump-1")
    await register("valve-1", organization_id=2)
    someone = await person().connect()
    for uid in ("valve-1", "no-such-device"):
        answer = await someone.ask("subscribe", {"devices": ["pump-1", uid]})
        assert (answer["ok"], answer["error"]["code"]) == (False, "device_not_found")
    other = await person(organization_id=2).connect()
    assert (await other.ask("subscribe"))["ok"]
    frames.telemetry(1, [telemetry("pump-1", 1)])
    frames.telemetry(2, [telemetry("valve-1", 1)])
    await eventually(lambda: other.of("telemetry"))
    assert someone.heard == []
    assert {item["device_uid"] for frame in other.of("telemetry") for item in frame["items"]} == {"valve-1"}


async def test_a_topic_needs_its_scope(person, register):
    await register("pump-1")
    someone = await person(scopes=("telemetry:read",)).connect()
    for topic in ("presence", "updates"):
        refused = await someone.ask("subscribe", {"topics": ["telemetry", topic]})
        assert (refused["ok"], refused["error"]["code"]) == (False, "forbidden")
    assert (await someone.ask("subscribe", {"topics": ["telemetry"]}))["ok"]


async def test_who_names_no_topic_gets_those_the_token_may_have(person, register):
    await register("pump-1")
    everything = await person(scopes=("updates:read", "devices:read", "telemetry:read")).connect()
    assert (await everything.ask("subscribe"))["topics"] == list(Topic)
    some = await person(scopes=("updates:read",)).connect()
    assert (await some.ask("subscribe"))["topics"] == ["updates", "releases", "batches"]
    nothing = await person(scopes=("organization:admin",)).connect()
    assert (await nothing.ask("subscribe"))["error"]["code"] == "forbidden"


async def test_an_update_is_seen_in_the_snapshot_and_step_by_step(person, register, database, frames):
    await register("pump-1")
    earlier, tracker = [UpdateTracker(UpdateStore(database), live) for live in (Nobody(), frames)]
    await earlier.follow([update_state("pump-1", state="acknowledged", version=2)])
    await earlier.follow([update_state("not-registered-yet", state="downloading", progress=10)])
    someone = await person(scopes=("updates:read",)).connect()
    await someone.ask("subscribe")
    [snapshot] = someone.of("snapshot")
    [item] = snapshot["updates"]
    assert item == {
        "device_uid": "pump-1",
        "session_id": "session-1",
        "counter": 1,
        "version": 2,
        "state": "acknowledged",
        "progress": None,
        "firmware_name": "pump-firmware",
        "firmware_version": "2.0.0",
        "error": None,
        "updated_at": int(update_state("pump-1").updated_at.timestamp() * 1000),
        "batch_id": None,
        "release": None,
        "wave": None,
    }
    assert (snapshot["telemetry"], snapshot["presence"]) == ([], [])
    await tracker.follow([update_state("pump-1", state="downloading", progress=42, version=4)])
    await tracker.follow([update_state("pump-1", state="acknowledged", version=2)])
    await tracker.follow([update_state("pump-1", state="flashed", version=5)])

    def shown():
        return [item["state"] for frame in someone.of("update") for item in frame["items"]]

    await eventually(lambda: "flashed" in shown())
    assert "acknowledged" not in shown()
    await register("not-registered-yet")
    await someone.ask("subscribe", {"devices": ["not-registered-yet"]})
    [late] = someone.of("snapshot")[-1]["updates"]
    assert (late["device_uid"], late["state"]) == ("not-registered-yet", "downloading")


async def test_what_goes_on_over_many_devices_and_on_one_is_in_the_snapshot_and_then_in_frames(
    person, register, database, frames
):
    await register("pump-1")
    clock = SystemClock()
    for live in (Nobody(), frames):
        rollouts = RolloutTracker(RolloutStore(database), live, clock=clock)
        actions = ActionTracker(ActionStore(database), live, clock=clock)
        if live is frames:
            someone = await person(scopes=("updates:read", "devices:read")).connect()
            watching_one = await person(scopes=("updates:read", "devices:read")).connect()
            await someone.ask("subscribe")
            await watching_one.ask("subscribe", {"devices": ["pump-1"]})
        version = 2 if live is frames else 1
        await rollouts.follow([one(5, version=version) for one in (release_state, batch_state, job_state)])
        await actions.follow([one("pump-1", 5, version=version) for one in (action_state, configuration_state)])
    for one in (someone, watching_one):
        [snapshot] = one.of("snapshot")
        assert snapshot["last"] is True
        for topic in ("releases", "batches", "actions"):
            assert [item["version"] for item in snapshot[topic]] == [1], topic
        assert [item["version"] for item in snapshot["configuration"]] == [1, 1]

        def has_heard_all(one=one):
            heard = {event: [item for frame in one.of(event) for item in frame["items"]] for event in EVENTS}
            return heard if sum(map(len, heard.values())) == 5 else None

        heard = await eventually(has_heard_all)
        assert {item["version"] for items in heard.values() for item in items} == {2}
        assert heard["release"][0]["waves"][0]["succeeded"] == 4
        assert {item.get("job_id", item.get("device_uid")) for item in heard["configuration"]} == {"job-5", "pump-1"}


async def test_updates_reach_only_those_of_the_organization_who_may_see_them(person, register, frames):
    await register("pump-1", "pump-2")
    await register("valve-1", organization_id=2)
    allowed = await person(scopes=("telemetry:read", "updates:read")).connect()
    others = {
        "without the scope": await person(scopes=("telemetry:read", "devices:read")).connect(),
        "of another organization": await person(scopes=("telemetry:read", "updates:read"), organization_id=2).connect(),
    }
    for one in (allowed, *others.values()):
        assert (await one.ask("subscribe"))["ok"]
    one_device = await person(scopes=("updates:read",)).connect()
    await one_device.ask("subscribe", {"devices": ["pump-2"]})
    frames.updates(1, [update("pump-1"), update("pump-2")])
    await eventually(lambda: allowed.of("update") and one_device.of("update"))
    for organization_id, uid in ((1, "pump-1"), (2, "valve-1")):
        frames.telemetry(organization_id, [telemetry(uid, 1)])
    await eventually(lambda: all(one.of("telemetry") for one in others.values()))
    assert [who for who, one in others.items() if one.of("update")] == []
    assert {item["device_uid"] for frame in one_device.of("update") for item in frame["items"]} == {"pump-2"}


def most_frames(began, ended):
    """How many of a room can have been sent meanwhile; two that arrive together need not have been sent so."""
    return (ended - began) / FRAME_SECONDS + 1


async def test_updates_are_thinned_out_like_everything_else(person, register, frames):
    await register("pump-1")
    someone = await person(scopes=("updates:read",)).connect()
    await someone.ask("subscribe")
    arrived = []
    someone.client.on("update", lambda data: arrived.append((time.monotonic(), data["items"])))
    version, began = 0, time.monotonic()
    while time.monotonic() < began + 1:
        version += 1
        frames.updates(1, [update("pump-1", version=version, state="downloading", progress=version % 100)])
        await asyncio.sleep(0.002)
    await eventually(lambda: arrived and arrived[-1][1][-1]["version"] == version)
    assert len(arrived) <= most_frames(began, arrived[-1][0])
    assert all(len(items) == 1 for _, items in arrived)


@pytest.mark.parametrize(
    "payload",
    [
        {"devices": []},
        {"devices": ["a.b"]},
        {"devices": "pump-1"},
        {"topics": ["rumours"]},
        {"topics": []},
        {"rooms": ["telemetry/2/*"]},
        {"groups": [True]},
        ["pump-1"],
        7,
        {"devices": [f"pump-{number}" for number in range(201)]},
    ],
)
async def test_what_is_no_selection_is_refused(person, register, payload):
    await register("pump-1")
    someone = await person().connect()
    answer = await someone.ask("subscribe", payload)
    assert (answer["ok"], answer["error"]["code"]) == (False, "validation_failed")


async def test_a_selection_that_is_refused_is_told_what_there_is(person):
    someone = await person().connect()
    said = (await someone.ask("subscribe", {"topics": ["rumours"], "rooms": []}))["error"]["detail"]
    assert "topics.0: Input should be 'telemetry', 'presence'" in said
    assert "rooms: Extra inputs are not permitted" in said


async def test_an_event_that_nobody_handles_is_answered_with_those_there_are(person):
    someone = await person().connect()
    for name in ("listen", "x" * 500):
        answer = await someone.ask(name, {"topics": ["telemetry"]})
        assert (answer["ok"], answer["error"]["code"]) == (False, "unknown_event")
        assert "subscribe, unsubscribe or authenticate" in answer["error"]["detail"]


@pytest.mark.parametrize("said", [[], ["x"], [{}, {"token": "nonsense"}], [{}, "another's"]])
@pytest.mark.parametrize("name", ["connect", "disconnect"])
async def test_who_says_that_they_come_or_go_as_an_event_stays_who_they_are(
    person, credentials, register, frames, name, said
):
    await register("pump-1")
    someone = await person().connect()
    await someone.ask("subscribe")
    another = {"token": credentials.person("telemetry:read", organization_id=2)}
    payload = tuple(another if one == "another's" else one for one in said)
    answer = await someone.client.call(name, payload, timeout=60)
    assert answer["error"]["code"] == "unknown_event"
    assert (await someone.ask("subscribe", {"devices": ["pump-1"]}))["ok"]
    frames.telemetry(1, [telemetry("pump-1", 1)])
    await eventually(lambda: someone.of("telemetry"))


async def test_after_unsubscribing_nothing_more_is_heard(person, register, frames):
    await register("pump-1")
    someone, witness = await person().connect(), await person().connect()
    for one in (someone, witness):
        await one.ask("subscribe")
    assert (await someone.ask("unsubscribe"))["ok"]
    frames.telemetry(1, [telemetry("pump-1", 1)])
    await eventually(lambda: witness.of("telemetry"))
    await someone.ask("unsubscribe")
    assert someone.of("telemetry") == []


async def test_a_room_gets_at_most_five_frames_a_second_and_the_newest_in_the_end(person, register, frames):
    await register("pump-1")
    someone = await person().connect()
    await someone.ask("subscribe")
    arrived = []
    someone.client.on("telemetry", lambda data: arrived.append((time.monotonic(), data)))
    number, began = 0, time.monotonic()
    while time.monotonic() < began + 1:
        number += 1
        frames.telemetry(1, [telemetry("pump-1", number)])
        await asyncio.sleep(0.002)
    await eventually(lambda: arrived and arrived[-1][1]["items"][-1]["ts"] == number)
    assert len(arrived) <= most_frames(began, arrived[-1][0])


async def test_a_connection_whose_token_expires_is_ended_unless_it_brings_a_new_one(
    person, credentials, register, monkeypatch
):
    await register("pump-1")
    leaving, staying = [await person(lifetime=timedelta(hours=1)).connect() for _ in range(2)]
    for one in (leaving, staying):
        await one.ask("subscribe")
    fresh = credentials.person("telemetry:read", "devices:read", lifetime=timedelta(hours=3))
    assert await staying.ask("authenticate", {"token": fresh}) == {"ok": True}
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.now(UTC) + timedelta(hours=2))
    await eventually(lambda: not leaving.client.connected)
    assert (await staying.ask("subscribe"))["ok"]


async def test_a_connection_stays_with_the_person_who_opened_it(person, credentials):
    someone = await person().connect()
    for token, code in (
        (credentials.person("telemetry:read", user="2"), "forbidden"),
        (credentials.person("telemetry:read", organization_id=2), "forbidden"),
        (credentials.device("pump-1"), "forbidden"),
        (credentials.person(lifetime=-timedelta(minutes=1)), "unauthenticated"),
    ):
        answer = await someone.ask("authenticate", {"token": token})
        assert (answer["ok"], answer["error"]["code"]) == (False, code)
    assert (await someone.ask("authenticate"))["error"]["code"] == "validation_failed"


async def test_a_new_token_with_fewer_scopes_leaves_the_rooms_it_may_not_be_in(person, credentials, register, frames):
    await register("pump-1")
    someone = await person().connect()
    await someone.ask("subscribe")
    await someone.ask("authenticate", {"token": credentials.person("devices:read")})
    frames.telemetry(1, [telemetry("pump-1", 1)])
    frames.presence(1, [PresenceItem("pump-1", True, 5, 1)])
    await eventually(lambda: someone.of("presence"))
    assert someone.of("telemetry") == []


async def test_a_flood_ends_the_connection(person):
    someone = await person().connect()
    for _ in range(200):
        await someone.client.emit("subscribe", {"devices": ["no-such-device"]})
    await eventually(lambda: not someone.client.connected)


async def test_a_flood_of_events_that_nobody_handles_ends_the_connection_too(person):
    someone = await person().connect()
    for _ in range(200):
        await someone.client.emit("whatever")
    await eventually(lambda: not someone.client.connected)


async def test_an_event_over_16_kib_ends_the_connection(person):
    someone = await person().connect()
    await someone.client.emit("subscribe", {"devices": ["x" * 20_000]})
    await eventually(lambda: not someone.client.connected)


async def test_a_page_of_another_origin_is_refused_and_the_own_is_not(address, credentials):
    auth = {"token": credentials.person("telemetry:read")}
    for origin, allowed in ((address, True), ("http://evil.example", False), ("null", False)):
        client = socketio.AsyncClient(reconnection=False)
        try:
            await client.connect(
                address, headers={"Origin": origin}, auth=auth, transports=["websocket"], wait_timeout=60
            )
            assert allowed
        except Refused:
            assert not allowed
        finally:
            await client.disconnect()


async def test_an_origin_that_is_none_is_refused_and_no_error_of_ours(anyone):
    answer = await anyone.get("/socket.io/?EIO=4&transport=polling", headers={"Origin": "http://["})
    assert answer.status_code == 400


@pytest.mark.parametrize("changed", [{"socket_unread_packets": 8}])
async def test_a_client_that_does_not_listen_is_cut_off_and_the_others_are_served(
    person, register, frames, address, credentials
):
    await register("pump-1")
    listening = await person().connect()
    await listening.ask("subscribe", {"topics": ["telemetry"]})

    def cut_off() -> float:
        return REGISTRY.get_sample_value("muster_live_cut_off_total", {"reason": "slow"}) or 0

    before = cut_off()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}/socket.io/?EIO=4&transport=websocket", max_msg_size=0) as stalled,
    ):
        await stalled.send_str("40" + json.dumps({"token": credentials.person("telemetry:read")}))
        await stalled.send_str('42["subscribe",{"topics":["telemetry"]}]')
        while "snapshot" not in await stalled.receive_str():
            pass
        stalled._response.connection.transport.pause_reading()
        number = 0

        async def is_cut_off() -> bool:
            nonlocal number
            number += 1
            frames.telemetry(1, [telemetry(f"pump-{n}", number, text="x" * 1_000) for n in range(1_000)])
            await eventually(lambda: any(frame["items"][0]["ts"] >= number for frame in listening.of("telemetry")))
            listening.heard.clear()
            return cut_off() > before

        await eventually(is_cut_off, interval=0)


async def test_a_connection_that_never_signs_in_is_ended(address, monkeypatch):
    monkeypatch.setattr("monitoring.live.sockets.SIGN_IN_SECONDS", 0.2)
    client = engineio.AsyncClient()
    await client.connect(address, transports=["websocket"], engineio_path="socket.io")
    await eventually(lambda: client.state != "connected")


async def test_when_the_broker_comes_back_everybody_gets_the_state_anew(person, register, record, rabbitmq_server):
    await register("pump-1")
    await record("pump-1", temperature=7.0)
    someone = await person().connect()
    await someone.ask("subscribe", {"devices": ["pump-1"]})

    async def lose_the_broker() -> bool:
        async with httpx.AsyncClient(base_url=rabbitmq_server.management_url, timeout=60) as management:
            listed = (await management.get("/api/connections")).json()
            for one in listed:
                if one.get("client_properties", {}).get("connection_name", "").startswith("monitoring-api"):
                    await management.delete(f"/api/connections/{quote(one['name'], safe='')}")
        return len(someone.of("snapshot")) > 1

    await eventually(lose_the_broker, interval=1)
    assert someone.of("snapshot")[0] == someone.of("snapshot")[-1]
