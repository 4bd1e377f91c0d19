"""Whole numbers that no double holds are refused wherever people say what JSON is to be kept."""

from typing import Any

import httpx
import pytest

GREATEST = 10**308
BEYOND = {"n": [{"m": -(10**309)}]}


@pytest.fixture
async def pump(admin: httpx.AsyncClient) -> str:
    device = await admin.post("/api/v2/devices", json={"device_uid": "pump-1", "attributes": {"n": GREATEST}})
    assert device.json()["attributes"] == {"n": GREATEST}
    return f"/api/v2/devices/{device.json()['device_uid']}"


async def test_every_door_refuses_them_and_keeps_nothing(
    admin: httpx.AsyncClient, pump: str, organizations: Any, sql: Any
):
    uids = ["pump-1"]
    answers = [
        await admin.post("/api/v2/devices", json={"attributes": BEYOND}),
        await admin.post("/api/v2/devices/batch", json=[{"organization_id": organizations.own, "attributes": BEYOND}]),
        await admin.patch(pump, json={"attributes": BEYOND}),
        await admin.put(pump, json={"attributes": BEYOND}),
        await admin.put(f"{pump}/configuration", json={"desired": BEYOND}),
        await admin.post("/api/v2/actions", json={"device_uid": "pump-1", "type": "calibrate", "params": BEYOND}),
        await admin.post("/api/v2/actions/bulk", json={"device_uids": uids, "type": "calibrate", "params": BEYOND}),
        await admin.post("/api/v2/configuration/jobs", json={"device_uids": uids, "params": BEYOND}),
        await admin.post("/api/config/start", json={"device_uids": uids, "config_params": BEYOND}),
    ]
    assert [answer.status_code for answer in answers] == [422] * len(answers)
    assert {answer.json()["errors"][0]["type"] for answer in answers} == {"json_number"}
    assert (await admin.get(pump)).json()["attributes"] == {"n": GREATEST}
    for table, rows in {"devices": 1, "actions": 0, "configuration_jobs": 0, "configurations": 0}.items():
        assert await sql.fetchval(f"select count(*) from {table}") == rows  # noqa: S608


async def test_settings_of_an_organization_hold_none(anyone: httpx.AsyncClient, credentials: Any, organizations: Any):
    token = credentials.person("organization:admin", organization_id=organizations.own)
    anyone.headers["Authorization"] = f"Bearer {token}"
    url = f"/api/v2/organizations/{organizations.own}"
    assert (await anyone.patch(url, json={"settings": BEYOND})).status_code == 422
    assert (await anyone.get(url)).json()["settings"] == {}
