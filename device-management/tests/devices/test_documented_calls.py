"""The calls that the interfaces print, as they print them."""

import pytest


async def test_lifecycle_calls_under_devices(admin, app):
    created = await admin.post("/devices/", json={"name": "Pump", "device_type": "pump", "status": "in_stock"})
    assert created.status_code == 201
    number = created.json()["id"]
    assert [item["id"] for item in (await admin.get("/devices/")).json()["items"]] == [number]
    assert (await admin.get(f"/devices/{number}")).json() == created.json()
    updated = await admin.put(f"/devices/{number}", json={"name": "Pump 1"})
    assert (updated.status_code, updated.json()["name"]) == (200, "Pump 1")
    assert [item["id"] for item in (await admin.get("/devices/in_stock")).json()["items"]] == [number]
    for call, lifecycle in [("deploy", "deployed"), ("maintenance", "maintenance"), ("recall", "in_stock")]:
        moved = await admin.put(f"/devices/{number}/{call}")
        assert (moved.status_code, moved.json()["lifecycle"]) == (200, lifecycle)
    moved = await admin.put(f"/devices/{number}/status", json={"status": "deployed"})
    assert (moved.status_code, moved.json()["lifecycle"]) == (200, "deployed")
    assert [item["id"] for item in (await admin.get("/devices/deployed")).json()["items"]] == [number]
    entries = (await admin.get(f"/devices/{number}/audit")).json()["items"]
    actions = ["registered", "edited", "deployed", "put_in_maintenance", "recalled", "deployed"]
    assert [entry["action"] for entry in reversed(entries)] == actions
    assert (await admin.delete(f"/devices/{number}")).status_code == 204
    assert (await admin.get(f"/devices/{number}")).json()["lifecycle"] == "retired"
    assert not [path for path in app.openapi()["paths"] if path.startswith("/devices")]


async def test_register_list_get_info_and_set_status(admin):
    await admin.post(
        "/api/v2/devices",
        json={"device_uid": "router-001", "name": "Main Router", "device_type": "router", "status": "IDLE"},
    )
    await admin.post(
        "/api/v2/devices",
        json={"device_uid": "sensor-001", "name": "Temperature Sensor", "device_type": "sensor"},
    )
    listed = (await admin.get("/api/v2/devices")).json()["items"]
    assert [
        (item["device_uid"], item["name"], item["device_type"], item["status"], item["current_action_id"])
        for item in listed
    ] == [
        ("router-001", "Main Router", "router", "idle", None),
        ("sensor-001", "Temperature Sensor", "sensor", "idle", None),
    ]
    answer = (await admin.get("/api/v2/devices/router-001/info")).json()
    assert (answer["success"], answer["message"]) == (True, "device router-001")
    info = answer["device_info"]
    assert (info["id"], info["name"], info["type"], info["status"]) == ("router-001", "Main Router", "router", "idle")
    assert info["registered_at"] == info["updated_at"]
    assert info["current_action_id"] is None
    changed = (await admin.put("/api/v2/devices/router-001/status", json={"status": "MAINTENANCE"})).json()
    assert (changed["success"], changed["previous_status"], changed["current_status"]) == (True, "idle", "maintenance")


async def test_batch_registration(admin):
    answer = await admin.post(
        "/api/v2/devices/batch",
        json=[
            {"device_uid": "device-001", "organization_id": 1, "serial_number": "SN001", "hardware_version": "v1.0"},
            {"device_uid": "device-002", "organization_id": 999},
        ],
    )
    assert answer.status_code == 207
    [registered] = answer.json()["successful"]
    assert registered["device"]["id"] == 1
    assert registered["device"]["device_uid"] == "device-001"
    [failed] = answer.json()["failed"]
    assert failed["device"] == {"device_uid": "device-002", "organization_id": 999}
    assert failed["error"] == "organization not found"
    answer = await admin.post(
        "/api/v2/devices/batch", json=[{"device_uid": "dev-001", "organization_id": 1, "serial_number": "SN001"}]
    )
    assert (answer.status_code, answer.json()["failed"]) == (201, [])


@pytest.mark.parametrize("path", ["/devices/", "/devices/1", "/api/v2/devices/"])
async def test_none_of_them_answers_without_a_token(anyone, path):
    assert (await anyone.get(path)).status_code == 401
