"""One action, three services: an update asked for as an action ends with the device's new version."""

import os
from uuid import uuid4

import httpx

from muster_stack.stack import Stack
from shared.testing import eventually


async def test_an_update_action_ends_with_the_session_that_carries_it_out(stack: Stack, people: httpx.AsyncClient):
    uid, version = f"acting-{uuid4().hex[:8]}", f"9.{uuid4().int % 1_000_000}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    token = (await people.post(f"/api/v2/devices/{uid}/token")).json()["token"]
    files, fields = {"file": ("image.bin", os.urandom(10_000))}, {"name": "acting", "version": version}
    firmware = (await people.post("/api/v2/firmware", data=fields, files=files)).json()
    (await people.post(f"/api/v2/firmware/{firmware['id']}/approve")).raise_for_status()

    body = {"action_type": "SOFTWARE_UPDATE", "action_params": {"version": version}}
    begun = (await people.post(f"/api/v2/devices/{uid}/actions", json=body)).json()
    action = f"/api/v2/actions/{begun['action_id']}"

    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=stack.info["gateway"], headers=headers, timeout=60) as device:
        updates = f"/api/v2/device/{uid}/updates"

        async def is_offered() -> bool:
            return (await device.get(f"{updates}/next")).status_code == 200

        await eventually(is_offered, why="the session of the action")
        session = (await device.get(f"{updates}/next")).json()["session_id"]
        assert (await people.get(f"/api/v2/devices/{uid}")).json()["current_action_id"] == int(begun["action_id"])
        for verb in ("ack", "downloading", "flashed", "complete"):
            (await device.post(f"{updates}/{session}/{verb}")).raise_for_status()

    async def is_completed() -> bool:
        return (await people.get(action)).json()["state"] == "completed"

    await eventually(is_completed, why="the action completed")
    assert (await people.get(action)).json()["result"] == {"session_id": session, "firmware_version": version}

    async def runs_the_new_version() -> bool:
        return (await people.get(f"/api/v2/devices/{uid}")).json()["firmware_version"] == version

    await eventually(runs_the_new_version)


async def test_an_update_action_without_such_a_firmware_fails_with_the_reason(people: httpx.AsyncClient):
    uid = f"acting-{uuid4().hex[:8]}"
    (await people.post("/api/v2/devices", json={"device_uid": uid})).raise_for_status()
    body = {"device_uid": uid, "type": "firmware_update", "params": {"version": "never"}}
    asked = (await people.post("/api/v2/actions", json=body)).json()

    async def has_failed() -> bool:
        return (await people.get(f"/api/v2/actions/{asked['action_id']}")).json()["state"] == "failed"

    await eventually(has_failed)
    error = (await people.get(f"/api/v2/actions/{asked['action_id']}")).json()["error"]
    assert error.startswith("firmware_not_found")
