"""Mass configuration and the creation of sites in the words that older clients know."""

import pytest

START = {"rql_query": 'eq(attributes/type,"gateway")', "config_params": {"mode": "fast"}}
SITES = [
    {
        "siteName": "site1",
        "host": "mqtt.example.com",
        "port": "1883",
        "username": "user1",
        "password": "pass1",
        "description": "Main gateway for site 1",
    },
    {
        "siteName": "site2",
        "host": "mqtt.example.com",
        "port": "1884",
        "username": "user2",
        "password": "pass2",
        "description": "Backup gateway for site 2",
    },
]


async def status(client, started):
    answer = await client.get("/api/config/status", params=started)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_configuration_is_started_and_its_status_told_for_each_device(admin, pumps, steps, answer, tell):
    started = await admin.post("/api/config/start", json=START)
    assert started.status_code == 202, started.text
    assert set(started.json()) == {"workflowID", "runID"}
    await steps()
    told = await status(admin, started.json())
    assert (told["status"], told["progress"]["in_progress"]) == ("running", 8)
    assert {item["success"] for item in told["items"]} == {None}
    await answer("pump-3", state="failed", error="no such mode")
    await answer()
    await tell()
    await steps()
    told = await status(admin, started.json())
    assert told["status"] == "completed"
    assert told["progress"] == {
        "total": 8,
        "succeeded": 7,
        "failed": 1,
        "in_progress": 0,
        "pending": 0,
        "cancelled": 0,
    }
    outcomes = {item["name"]: (item["success"], item["reason"]) for item in told["items"]}
    assert outcomes["pump-3"] == (False, "no such mode")
    assert outcomes["pump-0"] == (True, None)


async def test_devices_may_be_named_in_place_of_a_query(admin, pumps):
    body = {"device_uids": ["pump-0", "pump-9"], "config_params": {"mode": "fast"}}
    started = await admin.post("/api/config/start", json=body)
    assert (await status(admin, started.json()))["progress"]["total"] == 2


@pytest.mark.parametrize(
    ("content", "status_code"),
    [
        (b"{", 400),
        (b'{"rql_query": "eq(attributes/type", "config_params": {"a": 1}}', 400),
        (b'{"config_params": {"a": 1}}', 422),
        (b'{"device_uids": ["pump-1"], "config_params": {}}', 422),
    ],
)
async def test_what_is_no_json_or_no_query_is_refused(admin, content, status_code):
    answer = await admin.post("/api/config/start", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status_code, answer.text
    if b"rql_query" in content:
        assert isinstance(answer.json()["position"], int)


async def test_sites_are_created_each_on_its_own_and_the_status_tells_which(admin):
    started = await admin.post("/api/sites/create", json=SITES)
    assert started.status_code == 202, started.text
    told = await status(admin, started.json())
    assert (told["kind"], told["status"]) == ("sites", "completed")
    assert [(item["name"], item["success"]) for item in told["items"]] == [("site1", True), ("site2", True)]
    sites = (await admin.get("/api/v2/sites")).json()["items"]
    assert [(site["name"], site["port"], site["has_password"]) for site in sites] == [
        ("site1", 1883, True),
        ("site2", 1884, True),
    ]
    again = await admin.post("/api/sites/create", json=[SITES[0], {**SITES[1], "siteName": "site3"}])
    told = await status(admin, again.json())
    outcomes = {item["name"]: item["success"] for item in told["items"]}
    assert outcomes == {"site1": False, "site3": True}
    assert "pass1" not in str(told)


async def test_two_sites_of_one_name_are_refused_for_the_status_could_not_tell_them_apart(admin):
    answer = await admin.post("/api/sites/create", json=[SITES[0], {**SITES[1], "siteName": "site1"}])
    assert answer.status_code == 422, answer.text
    assert "site1" in answer.json()["errors"][0]["message"]
    assert (await admin.get("/api/v2/sites")).json()["items"] == []


async def test_a_run_that_was_not_is_not_found(admin, pumps):
    started = (await admin.post("/api/config/start", json=START)).json()
    other = {**started, "runID": "00000000-0000-4000-8000-000000000000"}
    assert (await admin.get("/api/config/status", params=other)).status_code == 404
    assert (await admin.get("/api/config/status", params={"workflowID": "nothing"})).status_code == 422
    assert (await admin.get("/api/config/status")).status_code == 422
