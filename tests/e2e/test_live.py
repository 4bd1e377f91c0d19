"""Live streams as the npm package socket.io-client receives them, over both transports."""

import asyncio
import json
import time
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import pytest

from shared.testing import eventually


class Client:
    """The npm client in a process of its own; `events` is what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.events: list[dict] = []

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.events.append(json.loads(line))

    async def hears(self, event: str, matches=lambda _data: True) -> dict:
        def found():
            return next((e for e in self.events if e["event"] == event and matches(e["data"])), None)

        return (await eventually(found, why=f"{event} among {self.events}"))["data"]


@pytest.fixture
def live(stack, node, node_clients):
    @asynccontextmanager
    async def connected(token: str, transport: str = "websocket", **subscription):
        process = await asyncio.create_subprocess_exec(
            *(node, node_clients / "live.mjs", stack.info["gateway"], token, transport, json.dumps(subscription)),
            stdout=asyncio.subprocess.PIPE,
            limit=2**20,
        )
        client = Client(process)
        listening = asyncio.create_task(client.listen())
        try:
            yield client
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await listening

    return connected


@pytest.fixture
async def token(people) -> str:
    return people.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture
async def device(people):
    uid = f"live-{uuid4().hex[:8]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    credential = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]

    async def known() -> bool:
        return (await people.get("/api/v2/telemetry", params={"device_uid": uid})).status_code == 200

    await eventually(known)

    async def publish(value: float) -> int:
        ts = int(time.time() * 1000)
        answer = await people.post(
            f"/api/v2/device/{uid}/telemetry",
            json={"ts": ts, "metrics": {"temperature": value}},
            headers={"Authorization": f"Bearer {credential}"},
        )
        assert answer.status_code == 202, answer.text
        return ts

    publish.uid = uid
    publish.token = credential
    return publish


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_snapshot_comes_first_and_then_what_the_device_reports(live, token, device, people, transport):
    await device(1.0)

    async def stored() -> bool:
        answer = await people.get("/api/v2/telemetry/latest", params={"device_uid": device.uid})
        return bool(answer.json()["items"])

    await eventually(stored)
    async with live(token, transport, devices=[device.uid], topics=["telemetry", "presence"]) as client:
        assert (await client.hears("acknowledged"))["ok"] is True
        snapshot = await client.hears("snapshot")
        assert [item["metrics"]["temperature"]["value"] for item in snapshot["telemetry"]] == [1.0]
        ts = await device(2.5)
        frame = await client.hears("telemetry", lambda data: data["items"][0]["metrics"] == {"temperature": 2.5})
        assert frame["items"] == [{"device_uid": device.uid, "ts": ts, "metrics": {"temperature": 2.5}}]
        names = [event["event"] for event in client.events]
        assert names.index("snapshot") < names.index("telemetry")


async def test_presence_is_heard_when_a_device_comes_and_goes(live, token, device, stack, mosquitto_sub):
    async with live(token, devices=[device.uid], topics=["presence"]) as client:
        await client.hears("snapshot")
        host, port = stack.info["mqtt"].split(":")
        connection = await asyncio.create_subprocess_exec(
            *(mosquitto_sub, "-h", host, "-p", port, "-i", device.uid, "-u", device.uid, "-P", device.token),
            *("-t", f"devices/{device.uid}/commands"),
        )
        online = await client.hears("presence", lambda data: data["items"][0]["online"])
        connection.kill()
        await connection.wait()
        offline = await client.hears("presence", lambda data: not data["items"][0]["online"])
        assert offline["items"][0]["version"] > online["items"][0]["version"]


async def test_an_update_is_heard_step_by_step(live, token, device, people, image):
    firmware = await image("2.0.0")
    async with live(token, devices=[device.uid], topics=["updates"]) as client:
        assert (await client.hears("snapshot"))["updates"] == []

        async def begun() -> str | None:
            update = {"device_uid": device.uid, "firmware_id": firmware["id"]}
            answer = await people.post("/api/v2/updates", json=update)
            return answer.json()["session_id"] if answer.is_success else None

        session_id = await eventually(begun)
        [item] = (await client.hears("update"))["items"]
        assert (item["session_id"], item["state"], item["firmware_version"]) == (session_id, "initiated", "2.0.0")
        path = f"/api/v2/device/{device.uid}/updates/{session_id}/ack"
        answer = await people.post(path, headers={"Authorization": f"Bearer {device.token}"})
        assert answer.status_code == 200
        later = await client.hears("update", lambda data: data["items"][0]["state"] == "acknowledged")
        assert later["items"][0]["version"] > item["version"]
    async with live(token, devices=[device.uid], topics=["updates"]) as client:
        snapshot = await client.hears("snapshot")
        assert snapshot["updates"] == later["items"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_who_watches_a_group_hears_of_all_that_is_done_with_its_devices(live, token, device, people, transport):
    async def post(path: str, **body) -> dict:
        answer = await people.post(f"/api/v2/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    group = await post("groups", name=f"group-{device.uid}", rql=f'eq(device_uid,"{device.uid}")')

    async def known() -> bool:
        answer = await people.get("/api/v2/telemetry/series", params={"group": group["id"], "metric": "temperature"})
        return answer.is_success

    await eventually(known, why="monitoring knows the group")
    topics = ["telemetry", "alerts", "actions", "configuration"]
    async with live(token, transport, groups=[group["id"]], topics=topics) as client:
        answer = await client.hears("acknowledged")
        assert (answer["ok"], answer["groups"]) == (True, 1)
        snapshot = await client.hears("snapshot", lambda data: data["last"])
        assert [snapshot[topic] for topic in topics[:3]] == [[], [], []]
        rule = await post(
            "alert-rules",
            name="hot",
            condition={"kind": "threshold", "metric": "temperature", "above": 80},
            scope={"device_uids": [device.uid]},
        )
        action = await post("actions", device_uid=device.uid, type="calibrate")
        job = await post("configuration/jobs", params={"interval_s": 9}, group_id=group["id"])
        await device(99.0)
        await client.hears("telemetry", lambda data: data["items"][0]["metrics"] == {"temperature": 99.0})
        await client.hears("action", lambda data: data["items"][0]["action_id"] == action["action_id"])
        alert = await client.hears("alert")
        assert (alert["items"][0]["rule_id"], alert["items"][0]["device_uid"]) == (rule["id"], device.uid)
        await post(f"configuration/jobs/{job['id']}/cancel")

        def is_over(data: dict) -> bool:
            return any(item.get("job_id") == job["id"] and item["state"] == "cancelled" for item in data["items"])

        await client.hears("configuration", is_over)
    (await people.delete(f"/api/v2/alert-rules/{rule['id']}")).raise_for_status()


@pytest.mark.parametrize("bad", ["", "nonsense", "device"])
async def test_a_connection_without_a_persons_token_is_refused(live, device, bad):
    async with live(device.token if bad == "device" else bad) as client:
        await client.hears("connect_error")
        assert [event["event"] for event in client.events] == ["connect_error"]


async def test_a_device_that_is_not_there_is_an_error_and_nothing_is_joined(live, token):
    async with live(token, devices=["nobody-at-all"]) as client:
        answer = await client.hears("acknowledged")
        assert answer["ok"] is False
        assert answer["error"]["code"] == "device_not_found"
