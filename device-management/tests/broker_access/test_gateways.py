"""What the broker is told about gateways: for whom they speak, and which devices come to be by it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.testing import eventually

VHOST, EXCHANGE = "/", "amq.topic"


@pytest.fixture
async def gateway(anyone, credentials, organizations):
    """A gateway of the own organization."""
    return await issued(anyone, credentials, organizations.own)


async def issued(anyone, credentials, organization_id):
    headers = administrator(credentials, organization_id)
    answer = await anyone.post("/api/v2/gateways", json={"name": "hall"}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def administrator(credentials, organization_id):
    return {"Authorization": f"Bearer {credentials.person('organization:admin', organization_id=organization_id)}"}


async def logs_in(client, gateway, *, token=None, client_id=None):
    user = f"gateway.{gateway['id']}"
    form = {"username": user, "password": token or gateway["token"], "client_id": client_id or user}
    return (await client.post("/broker/user", data=form)).text.startswith("allow device since-")


async def may(client, gateway, uid, *, channel="telemetry", permission="write"):
    form = {"username": f"gateway.{gateway['id']}", "vhost": VHOST, "name": EXCHANGE, "permission": permission}
    form |= {"resource": "topic", "routing_key": f"devices.{uid}.{channel}", "tags": "device"}
    return (await client.post("/broker/topic", data=form)).text == "allow"


async def uids(sql):
    return [row["device_uid"] for row in await sql.fetch("select device_uid from devices order by 1")]


async def test_it_logs_in_by_its_own_name_with_its_own_token(anyone, gateway, credentials, organizations):
    assert await logs_in(anyone, gateway)
    assert not await logs_in(anyone, gateway, client_id="pump-1")
    assert not await logs_in(anyone, gateway, client_id=f"gateway.{uuid4()}")
    assert not await logs_in(anyone, gateway, token=credentials.device(gateway["id"]))
    assert not await logs_in(anyone, gateway, token=gateway["token"][:-4] + "AAAA")
    other = await issued(anyone, credentials, organizations.own)
    assert not await logs_in(anyone, gateway, token=other["token"])
    assert not await logs_in(anyone, {"id": str(uuid4()), "token": gateway["token"]})


async def test_each_login_has_a_tag_of_its_own_so_that_nothing_is_remembered_of_the_one_before(anyone, gateway):
    user = f"gateway.{gateway['id']}"
    form = {"username": user, "password": gateway["token"], "client_id": user}
    first = (await anyone.post("/broker/user", data=form)).text

    async def another() -> bool:
        return (await anyone.post("/broker/user", data=form)).text != first

    await eventually(another)


async def test_it_speaks_for_the_devices_of_its_organization(anyone, admin, stranger, gateway, sql):
    await admin.post("/api/v2/devices", json={"device_uid": "mine"})
    await stranger.post("/api/v2/devices", json={"device_uid": "theirs"})
    for channel in ("telemetry", "status", "replies", "state"):
        assert await may(anyone, gateway, "mine", channel=channel)
        assert not await may(anyone, gateway, "theirs", channel=channel)
    assert await may(anyone, gateway, "mine", channel="commands", permission="read")
    assert not await may(anyone, gateway, "theirs", channel="commands", permission="read")
    assert not await may(anyone, gateway, "mine", channel="commands", permission="write")
    for wildcard in ("*", "#", "mine.x"):
        assert not await may(anyone, gateway, wildcard, channel="commands", permission="read")
    assert await uids(sql) == ["mine", "theirs"]


async def test_for_a_retired_device_it_speaks_no_more(anyone, admin, gateway):
    await admin.post("/api/v2/devices", json={"device_uid": "mine"})
    assert (await admin.delete("/api/v2/devices/mine")).is_success
    assert not await may(anyone, gateway, "mine")
    assert not await may(anyone, gateway, "mine", channel="commands", permission="read")


class TestAnUnknownDevice:
    async def test_comes_to_be_as_its_gateway_first_speaks_for_it(self, anyone, gateway, sql, organizations):
        assert await may(anyone, gateway, "new-1")
        assert await may(anyone, gateway, "new-2", channel="commands", permission="read")
        rows = await sql.fetch("select device_uid, organization_id from devices order by 1")
        assert [tuple(row) for row in rows] == [("new-1", organizations.own), ("new-2", organizations.own)]
        audited = await sql.fetchrow(
            "select actor_kind, actor_id, actor_name from audit_entries where action = 'registered'"
        )
        assert tuple(audited) == ("gateway", gateway["id"], "hall")
        told = await sql.fetch("select type from outbox where type like 'device.%'")
        assert [row["type"] for row in told] == ["device.registered.v1"] * 2

    async def test_is_registered_once_however_many_ask_at_once(self, anyone, gateway, sql):
        assert all(await asyncio.gather(*(may(anyone, gateway, "new-1") for _ in range(8))))
        assert await uids(sql) == ["new-1"]

    async def test_is_not_made_of_a_reserved_word_nor_by_a_topic_that_is_none(self, anyone, gateway, sql):
        for uid in ("muster-admin", "123", "a" * 65, "a.b"):
            assert not await may(anyone, gateway, uid)
        assert not await may(anyone, gateway, "new-1", channel="firmware")
        assert await uids(sql) == []

    async def test_is_refused_beyond_the_device_limit(self, anyone, gateway, sql, organizations):
        await sql.execute("update organizations set device_limit = 1 where id = $1", organizations.own)
        assert await may(anyone, gateway, "new-1")
        assert not await may(anyone, gateway, "new-2")
        assert await uids(sql) == ["new-1"]

    async def test_is_refused_where_the_organization_does_not_want_it_over_rest_too(
        self, anyone, admin, gateway, sql, credentials, organizations
    ):
        headers = administrator(credentials, organizations.own)
        path = f"/api/v2/organizations/{organizations.own}"
        edit = {"settings": {"gateways_register": False}}
        assert (await anyone.patch(path, json=edit, headers=headers)).status_code == 200
        assert not await may(anyone, gateway, "new-1")
        bearer = {"Authorization": f"Bearer {gateway['token']}"}
        answer = await anyone.post("/api/v2/devices", json={"device_uid": "new-1"}, headers=bearer)
        assert (answer.status_code, answer.json()["code"]) == (403, "gateways_register_nothing")
        assert await uids(sql) == []
        person = {"Authorization": f"Bearer {credentials.person('devices:write', organization_id=organizations.own)}"}
        assert (await anyone.post("/api/v2/devices", json={"device_uid": "new-1"}, headers=person)).status_code == 201
        assert await may(anyone, gateway, "new-1")


@pytest.mark.parametrize("end", ["revoked", "expired", "suspended"])
async def test_a_gateway_that_is_out_is_refused_from_the_commit_on(
    anyone, gateway, credentials, organizations, sql, end
):
    assert await may(anyone, gateway, "new-1")
    if end == "revoked":
        headers = administrator(credentials, organizations.own)
        assert (await anyone.delete(f"/api/v2/gateways/{gateway['id']}", headers=headers)).status_code == 204
    elif end == "expired":
        await sql.execute("update keys set expires_at = now() - $1::interval", timedelta(seconds=1))
    else:
        await sql.execute("update organizations set state = 'suspended' where id = $1", organizations.own)
    assert not await logs_in(anyone, gateway)
    assert not await may(anyone, gateway, "new-1")
    assert not await may(anyone, gateway, "new-2")
    assert await uids(sql) == ["new-1"]


async def test_what_waits_for_a_device_is_due_when_its_gateway_is_going_to_read(anyone, gateway, sql):
    assert await may(anyone, gateway, "new-1")
    await sql.execute(
        "insert into device_commands (command_id, device_uid, payload, deadline, next_attempt_at) "
        "values ($1, 'new-1', '{}', now() + interval '1 hour', now() + interval '5 minutes')",
        uuid4(),
    )
    due = "select next_attempt_at <= now() from device_commands"
    assert not await may(anyone, gateway, "theirs.x", channel="commands", permission="read")
    assert not await sql.fetchval(due)
    assert await may(anyone, gateway, "new-1", channel="commands", permission="read")
    assert await sql.fetchval(due)
