"""What a device that asks is told, and who may ask."""

import json

import httpx
import pytest

from ota_service.app import build
from shared.messaging.signs import SignsOfLife


async def test_a_device_is_told_when_to_ask_again_and_that_its_attributes_are_wanted(add_devices, target):
    await add_devices("pump-1")
    answer = await target().get()
    assert answer.headers["content-type"] == "application/hal+json"
    assert answer.json() == {
        "config": {"polling": {"sleep": "00:05:00"}},
        "_links": {"configData": {"href": "http://muster.test/acme/controller/v1/pump-1/configData"}},
    }


async def test_there_are_no_links_when_nothing_waits(add_devices, target):
    await add_devices("pump-1")
    await target().put({"serial": "17"})
    assert await target().base() == {"config": {"polling": {"sleep": "00:05:00"}}}


async def test_a_waiting_update_is_linked_with_a_number_that_stays_as_long_as_the_action_does(update):
    link = (await update.target.links())["deploymentBase"]
    path, _, number = link.partition("?c=")
    assert path == f"/deploymentBase/{update.action}"
    assert number.isdigit()
    await update.target.get(path)
    await update.target.say(update.action, "proceeding")
    assert (await update.target.links())["deploymentBase"] == link


async def test_an_organization_sets_how_often_its_devices_ask(add_devices, target, set_tenant):
    await add_devices("pump-1")
    speaking = target()
    wishes = {3_661: "01:01:01", 29: "00:00:30", 10**9: "23:59:59", "often": "00:05:00", True: "00:05:00"}
    for version, (seconds, sleep) in enumerate(wishes.items(), start=2):
        await set_tenant(version=version, poll_seconds=seconds)
        assert (await speaking.base())["config"] == {"polling": {"sleep": sleep}}


async def test_the_media_type_is_negotiated(add_devices, target):
    await add_devices("pump-1")
    speaking = target()
    wanted = {
        "*/*": (200, "application/hal+json"),
        "application/hal+json": (200, "application/hal+json"),
        "application/json": (200, "application/json"),
        "application/json;charset=utf-8, text/html;q=0.5": (200, "application/json"),
        "application/hal+json, application/json": (200, "application/hal+json"),
        "text/html": (406, "application/json"),
    }
    for accept, expected in wanted.items():
        answer = await speaking.get(headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == expected, accept


async def test_an_answer_that_the_client_has_already_is_not_sent_again(update):
    first = await update.target.get()
    again = await update.target.get(headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    await update.target.put({"serial": "17"})
    assert (await update.target.get(headers={"If-None-Match": first.headers["etag"]})).status_code == 200


async def test_nobody_is_told_why_he_is_not_let_in(add_devices, target, credentials, set_tenant):
    await add_devices("pump-1", "pump-2")
    await add_devices("theirs", organization_id=2)
    await add_devices("gone", lifecycle="retired")
    await add_devices("renewed", min_token_generation=2)
    refused = {
        "no token": target(authorization=" "),
        "a person's word": target(authorization=f"Bearer {credentials.device('pump-1')}"),
        "a person's token": target(authorization=f"TargetToken {credentials.person('updates:write')}"),
        "another device's": target(authorization=f"TargetToken {credentials.device('pump-2')}"),
        "a gateway's as a device's": target(authorization=f"TargetToken {credentials.gateway()}"),
        "a device's as a gateway's": target(authorization=f"GatewayToken {credentials.device('pump-1')}"),
        "a foreign gateway": target(authorization=f"GatewayToken {credentials.gateway(organization_id=2)}"),
        "rubbish": target(authorization="TargetToken abc"),
        "another organization": target(slug="other"),
        "no organization": target(slug="nobody"),
        "an unknown device": target("nobodys"),
        "a foreign device": target("theirs"),
        "a retired device": target("gone"),
        "an older token": target("renewed"),
    }
    for who, client in refused.items():
        answer = await client.get()
        assert (answer.status_code, answer.content) == (401, b""), who
    assert (await target().get()).status_code == 200
    await set_tenant(version=2, state="suspended")
    assert (await target().get()).status_code == 401


async def test_an_organization_switches_a_kind_of_token_off(add_devices, target, credentials, set_tenant):
    await add_devices("pump-1")
    device, gateway = target(), target(authorization=f"GatewayToken {credentials.gateway()}")
    await set_tenant(version=2, target_token=False)
    assert [(await one.get()).status_code for one in (device, gateway)] == [401, 200]
    await set_tenant(version=3, gateway_token=False)
    assert [(await one.get()).status_code for one in (device, gateway)] == [200, 401]


async def test_a_gateway_registers_a_device_by_asking_for_it_and_not_all_the_time(target, credentials, sql):
    gateway = target("pump-9", authorization=f"GatewayToken {credentials.gateway()}")
    for _ in range(3):
        assert await gateway.base() == {"config": {"polling": {"sleep": "00:00:30"}}}
    rows = await sql.fetch("select payload from outbox where type = 'device.registration_requested.v1'")
    [data] = [json.loads(row["payload"])["data"] for row in rows]
    assert (data["organization_id"], data["device_uid"], data["version"]) == (1, "pump-9", 1)
    await sql.execute("update ddi_targets set registration_asked_at = now() - interval '2 minutes'")
    await gateway.base()
    assert await sql.fetchval("select max(version) from ddi_targets") == 2


async def test_elsewhere_a_device_that_nobody_knows_is_not_found(target, credentials):
    gateway = target("pump-9", authorization=f"GatewayToken {credentials.gateway()}")
    paths = ("/deploymentBase/1", "/installedBase/1", "/softwaremodules/1/artifacts/x")
    for answer in (*[await gateway.get(path) for path in paths], await gateway.put({"a": "b"})):
        assert answer.status_code == 404
        assert set(answer.json()) == {"exceptionClass", "errorCode", "message"}


async def test_a_uid_that_no_device_may_have_is_not_registered(target, credentials, sql):
    gateway = target("a.b", authorization=f"GatewayToken {credentials.gateway()}")
    assert (await gateway.get()).status_code == 404
    assert await sql.fetchval("select count(*) from outbox") == 0


async def test_a_device_asks_more_often_while_something_waits_for_it(update, set_tenant, person):
    async def sleep():
        return (await update.target.base())["config"]["polling"]["sleep"]

    assert await sleep() == "00:01:00"
    await set_tenant(version=2, poll_seconds=100)
    assert await sleep() == "00:00:30"
    await person.post(f"/api/v2/updates/{update.id}/cancel")
    assert await sleep() == "00:01:40"


@pytest.mark.parametrize("body", [b" " * 1_100_000, None], ids=["declared", "streamed"])
async def test_what_is_too_large_is_refused_in_the_clients_dialect(update, body, state_of):
    async def streamed():
        for _ in range(11):
            yield b" " * 100_000

    path = f"{update.target.path}/deploymentBase/{update.action}/feedback"
    answer = await update.target.http.post(
        path, content=body or streamed(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["errorCode"]) == (413, "muster.body_too_large")
    assert set(answer.json()) == {"exceptionClass", "errorCode", "message"}
    assert await state_of(update) == "initiated"


async def test_who_asks_too_often_is_refused_in_the_clients_dialect(settings, app, credentials):
    limited = build(settings.model_copy(update={"device_requests_per_second": 0.01}))
    headers = {"Authorization": f"TargetToken {credentials.device('pump-1')}"}
    transport = httpx.ASGITransport(app=limited, raise_app_exceptions=False)
    async with (
        limited.router.lifespan_context(limited),
        httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers) as client,
    ):
        _, answer = [await client.get("/acme/controller/v1/pump-1") for _ in range(2)]
    assert (answer.status_code, answer.json()["errorCode"]) == (429, "muster.too_many_requests")
    assert answer.headers["retry-after"].isdigit()


async def test_a_wrong_method_is_refused_in_the_clients_dialect(update):
    answer = await update.target.http.delete(f"{update.target.path}/deploymentBase/{update.action}")
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "muster.method_not_allowed")


async def test_a_device_that_asks_is_there_for_three_of_its_intervals(add_devices, target, set_tenant, monkeypatch):
    heard = []
    monkeypatch.setattr(SignsOfLife, "heard", lambda _self, uid, *, for_s=None: heard.append((uid, for_s)))
    await add_devices("pump-1")
    await target().base()
    await set_tenant(version=2, poll_seconds=60)
    await target().base()
    await target("never-registered").get()
    assert heard == [("pump-1", 900), ("pump-1", 180)]


async def test_a_parameter_that_the_protocol_does_not_have_is_left_out_as_its_clients_expect(add_devices, target):
    await add_devices("pump-1")
    speaking = target()
    assert (await speaking.get("?unheard_of=1")).json() == await speaking.base()
