"""The broker's questions, as it puts them: forms in, a word out."""

from datetime import timedelta

import pytest

from device_management.device_tokens.service import DeviceTokenService


@pytest.fixture
async def token(admin):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    return (await admin.post("/api/v2/devices/pump-1/token")).json()["token"]


async def ask(client, question, **form):
    answer = await client.post(f"/broker/{question}", data=form)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


async def test_a_good_token_logs_its_device_in_and_tags_it(anyone, token):
    assert await ask(anyone, "user", username="pump-1", password=token) == "allow device"
    assert await ask(anyone, "user", username="pump-1", password=token, client_id="pump-1") == "allow device"


async def test_another_client_id_is_refused_for_it_would_steal_a_session(anyone, token):
    assert await ask(anyone, "user", username="pump-1", password=token, client_id="pump-2") == "deny"


async def test_a_token_is_of_no_use_to_another_device(anyone, admin, token):
    await admin.post("/api/v2/devices", json={"device_uid": "pump-2"})
    assert await ask(anyone, "user", username="pump-2", password=token) == "deny"


async def test_a_revoked_token_is_refused_at_once_and_a_new_one_is_good(anyone, admin, token):
    await admin.delete("/api/v2/devices/pump-1/token")
    assert await ask(anyone, "user", username="pump-1", password=token) == "deny"
    fresh = (await admin.post("/api/v2/devices/pump-1/token")).json()["token"]
    assert await ask(anyone, "user", username="pump-1", password=fresh) == "allow device"


async def test_what_is_no_token_of_this_device_is_refused(anyone, credentials, token, organizations):
    for password in (
        "",
        "nonsense",
        token[:-4] + "AAAA",
        credentials.device("pump-1", organization_id=organizations.own, lifetime=timedelta(seconds=-30)),
        credentials.device("pump-1", organization_id=organizations.other),
        credentials.person("devices:write"),
    ):
        assert await ask(anyone, "user", username="pump-1", password=password) == "deny"


async def test_a_valid_token_of_a_device_that_is_not_there_is_refused(anyone, credentials):
    assert await ask(anyone, "user", username="ghost", password=credentials.device("ghost")) == "deny"


async def test_the_other_questions_are_for_tagged_users_alone(anyone):
    resource = {"username": "pump-1", "vhost": "/", "resource": "exchange", "name": "amq.topic", "permission": "write"}
    assert await ask(anyone, "resource", **resource, tags="device") == "allow"
    assert await ask(anyone, "resource", **resource, tags="") == "deny"
    assert await ask(anyone, "vhost", username="pump-1", vhost="/", tags="device") == "allow"
    assert await ask(anyone, "vhost", username="pump-1", vhost="other", tags="device") == "deny"
    topic = {"username": "pump-1", "vhost": "/", "resource": "topic", "name": "amq.topic", "permission": "write"}
    key = "devices.pump-1.telemetry"
    assert await ask(anyone, "topic", **topic, routing_key=key, tags="device") == "allow"
    assert await ask(anyone, "topic", **topic, routing_key="devices.pump-2.telemetry", tags="device") == "deny"


async def test_a_question_without_its_fields_is_no_server_error(anyone):
    for question in ("user", "vhost", "resource", "topic"):
        answer = await anyone.post(f"/broker/{question}", data={"tags": "device"})
        assert (answer.status_code, answer.json()["code"]) == (422, "incomplete_question")
    assert (await anyone.post("/broker/user", content=b"\xff%ff&=")).status_code == 422


async def test_more_users_than_a_statement_has_parameters_are_looked_for_at_once(app, admin):
    assert (await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})).status_code == 201
    async with app.state.scopes() as scope:
        known = await scope.get(DeviceTokenService).credentials([f"other-{n}" for n in range(33_000)] + ["pump-1"])
    assert [device.device_uid for device in known] == ["pump-1"]
