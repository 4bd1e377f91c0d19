from datetime import UTC, datetime
from uuid import uuid4

import pytest

from device_management.keys.jobs import NoteUses
from device_management.roles.states import SCOPES
from shared.testing import eventually
from shared.tokens import Audience

BODY = {"name": "nightly report", "scopes": ["devices:read"]}


@pytest.fixture
async def user(sql, organizations):
    return await sql.fetchval(
        "insert into users (organization_id, email, name, password_hash, scopes) "
        "values ($1, 'ann@fleet.example', 'Ann', 'x', $2) returning id",
        organizations.own,
        sorted(SCOPES),
    )


@pytest.fixture
def bearer(credentials, organizations, user):
    def bearer(*scopes, organization_id=None, who=None):
        token = credentials.person(
            *scopes, organization_id=organization_id or organizations.own, user=str(who or user), session=str(uuid4())
        )
        return {"Authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture
def ann(anyone, bearer):
    anyone.headers.update(bearer("devices:read", "devices:write"))
    return anyone


def key_of(answer):
    return {"Authorization": f"Bearer {answer.json()['token']}"}


async def test_a_key_opens_what_its_scopes_say_and_is_listed_without_its_token(ann, sql):
    issued = await ann.post("/api/v2/api-keys", json=BODY)
    assert issued.status_code == 201
    token, prefix = issued.json()["token"], issued.json()["prefix"]
    assert token.startswith(f"muster_{prefix}_")
    assert (await ann.get("/api/v2/devices", headers=key_of(issued))).status_code == 200
    assert (await ann.post("/api/v2/devices", json={}, headers=key_of(issued))).status_code == 403
    listed = await ann.get("/api/v2/api-keys")
    assert [(key["name"], key["prefix"], key["last_used_at"]) for key in listed.json()["items"]] == [
        ("nightly report", prefix, None)
    ]
    assert token not in listed.text
    everything = await sql.fetch(
        "select to_jsonb(keys)::text as row from keys union all select to_jsonb(a)::text from audit_entries a"
    )
    assert all(token.rsplit(".", 1)[1] not in row["row"] for row in everything)


async def test_a_key_holds_no_more_than_its_maker(ann):
    answer = await ann.post("/api/v2/api-keys", json=BODY | {"scopes": ["organization:admin"]})
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_held")


async def test_a_key_makes_no_key_that_would_outlive_it(ann, sql):
    issued = await ann.post("/api/v2/api-keys", json=BODY | {"expires_in_days": 1})
    answer = await ann.post("/api/v2/api-keys", json=BODY, headers=key_of(issued))
    assert (answer.status_code, answer.json()["code"]) == (403, "keys_make_no_keys")
    assert await sql.fetchval("select count(*) from keys") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"scopes": []},
        {"scopes": ["x"]},
        {"name": ""},
        {"name": "\0"},
        {"expires_in_days": 0},
        {"expires_in_days": 10**9},
    ],
)
async def test_a_body_of_the_wrong_shape_changes_nothing(ann, sql, change):
    assert (await ann.post("/api/v2/api-keys", json=BODY | change)).status_code == 422
    assert await sql.fetchval("select count(*) from keys") == 0


async def test_a_revoked_key_is_refused_soon(ann):
    issued = await ann.post("/api/v2/api-keys", json=BODY)
    url = f"/api/v2/api-keys/{issued.json()['id']}"
    assert (await ann.delete(url)).status_code == 204
    assert (await ann.delete(url)).status_code == 204

    async def refused():
        return (await ann.get("/api/v2/devices", headers=key_of(issued))).status_code == 401

    await eventually(refused)
    assert (await ann.get("/api/v2/api-keys")).json()["items"][0]["revoked_at"]


async def test_others_neither_see_nor_revoke_it_but_administrators_do(ann, bearer, organizations, sql):
    key = (await ann.post("/api/v2/api-keys", json=BODY)).json()["id"]
    for headers in (
        bearer("devices:read", who=999),
        bearer("devices:read", "organization:admin", organization_id=organizations.other),
    ):
        assert (await ann.get("/api/v2/api-keys", headers=headers)).json()["items"] == []
        assert (await ann.delete(f"/api/v2/api-keys/{key}", headers=headers)).status_code == 404
    headers = bearer("organization:admin", who=999)
    assert len((await ann.get("/api/v2/api-keys", headers=headers)).json()["items"]) == 1
    assert (await ann.delete(f"/api/v2/gateways/{key}", headers=headers)).status_code == 404
    assert (await ann.delete(f"/api/v2/api-keys/{key}", headers=headers)).status_code == 204


async def test_the_last_use_is_written_at_most_once_a_minute_for_all_keys(ann, app, sql):
    issued = [await ann.post("/api/v2/api-keys", json=BODY) for _ in range(2)]
    before = datetime.now(UTC)
    for _ in range(3):
        for key in issued:
            await ann.get("/api/v2/devices", headers=key_of(key))
    assert await sql.fetchval("select count(last_used_at) from keys") == 0
    note = NoteUses(app.state.scopes, app.state.keys)
    await note()
    used = await sql.fetch("select last_used_at from keys")
    assert all(row["last_used_at"] >= before for row in used)
    assert note.SECONDS >= 60


async def test_keys_of_who_is_deactivated_or_loses_their_scopes_are_revoked(ann, bearer, user, sql):
    await sql.execute("update users set scopes = '{devices:read,devices:write}'")
    await ann.post("/api/v2/api-keys", json=BODY)
    await ann.post("/api/v2/api-keys", json=BODY | {"scopes": ["devices:write"]})
    administrator = bearer("organization:admin", "devices:read", "devices:write", who=999)
    url = f"/api/v2/users/{user}"
    await ann.patch(url, json={"scopes": ["devices:read"]}, headers=administrator)
    assert [row["scopes"] for row in await sql.fetch("select scopes from keys where revoked_at is not null")] == [
        ["devices:write"]
    ]
    await ann.patch(url, json={"active": False}, headers=administrator)
    assert await sql.fetchval("select count(*) from keys where revoked_at is null") == 0


class TestGateways:
    async def test_only_administrators_issue_them(self, ann, bearer, credentials, organizations):
        assert (await ann.post("/api/v2/gateways", json={"name": "hall 3"})).status_code == 403
        issued = await ann.post("/api/v2/gateways", json={"name": "hall 3"}, headers=bearer("organization:admin"))
        assert issued.status_code == 201
        claims = credentials.keys.verify(issued.json()["token"], Audience.GATEWAY)
        assert (claims.organization_id, claims.subject) == (organizations.own, issued.json()["id"])

    async def test_a_gateway_registers_devices_of_its_organization_and_does_nothing_else(
        self, ann, bearer, organizations, sql
    ):
        issued = await ann.post("/api/v2/gateways", json={"name": "hall 3"}, headers=bearer("organization:admin"))
        registered = await ann.post("/api/v2/devices", json={"device_uid": "pump-1"}, headers=key_of(issued))
        assert (registered.status_code, registered.json()["organization_id"]) == (201, organizations.own)
        for method, path in (("GET", "/devices"), ("POST", "/devices/pump-1/token"), ("GET", "/auth/me")):
            answer = await ann.request(method, f"/api/v2{path}", headers=key_of(issued))
            assert answer.status_code == 403, path
        actor = await sql.fetchrow("select actor_kind, actor_name from audit_entries where subject_kind = 'device'")
        assert (actor["actor_kind"], actor["actor_name"]) == ("gateway", "hall 3")


async def test_who_has_lost_something_makes_no_key_of_it_while_the_token_still_lives(ann, sql, user):
    await sql.execute("update users set scopes = $1", ["devices:write"])
    answer = await ann.post("/api/v2/api-keys", json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_held")
    await sql.execute("update users set active = false")
    assert (await ann.post("/api/v2/api-keys", json=BODY | {"scopes": ["devices:write"]})).status_code == 401
    assert await sql.fetchval("select count(*) from keys") == 0
