"""Roles as administrators see them over REST, and what a change of one does to those who hold it."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from device_management.roles.service import MOST_ROLES
from device_management.roles.states import BUILT_IN
from shared.testing import eventually

PASSWORD = "correct horse battery"
ROLE = {"name": "night-shift", "description": "looks after alarms", "scopes": ["telemetry:read", "alerts:write"]}
URL = "/api/v2/roles/night-shift"


@pytest.fixture
def bearer(credentials, organizations):
    def bearer(*scopes, organization_id=None):
        token = credentials.person(*scopes, organization_id=organization_id or organizations.own, session="s")
        return {"Authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture
def administrator(anyone, bearer):
    anyone.headers.update(bearer(*BUILT_IN["administrator"]))
    return anyone


@pytest.fixture
def hire(administrator):
    """Makes somebody with these roles who signs in; the person's id, and what signing in has brought."""

    async def hire(*roles, email="ann@fleet.example", **given):
        body = {"email": email, "name": "Ann", "password": PASSWORD, "roles": list(roles), **given}
        user = await administrator.post("/api/v2/users", json=body)
        assert user.status_code == 201, user.text
        form = {"username": email, "password": PASSWORD}
        pair = (await administrator.post("/api/v2/auth/login", data=form)).json()
        return user.json()["id"], pair

    return hire


def bearing(pair):
    return {"Authorization": f"Bearer {pair['access_token']}"}


def code(answer):
    return answer.status_code, answer.json()["code"]


async def test_a_role_is_made_read_changed_and_removed_and_the_audit_log_tells_of_it(administrator, sql):
    made = await administrator.post("/api/v2/roles", json=ROLE)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json() | ROLE | {"scopes": sorted(ROLE["scopes"]), "built_in": False, "version": 1} == made.json()
    assert (await administrator.get(URL)).json() == made.json()
    edited = await administrator.patch(URL, json={"scopes": ["alerts:write", "alerts:write"], "description": None})
    assert (edited.json()["scopes"], edited.json()["description"]) == (["alerts:write"], None)
    assert edited.headers["etag"] == '"2"'
    assert (await administrator.patch(URL, json={"scopes": ["alerts:write"]})).json()["version"] == 2
    assert (await administrator.delete(URL)).status_code == 204
    assert code(await administrator.get(URL)) == (404, "role_not_found")
    audited = await sql.fetch("select subject_id, action, after::text from audit_entries order by id")
    assert [(row["subject_id"], row["action"]) for row in audited] == [
        ("night-shift", "created"),
        ("night-shift", "changed"),
        ("night-shift", "removed"),
    ]
    assert json.loads(audited[1]["after"]) == {"scopes": ["alerts:write"], "description": None}


async def test_all_roles_are_listed_the_built_in_ones_first(administrator):
    await administrator.post("/api/v2/roles", json=ROLE)
    listed = (await administrator.get("/api/v2/roles")).json()["items"]
    assert [(role["name"], role["built_in"]) for role in listed] == [
        *((name, True) for name in BUILT_IN),
        ("night-shift", False),
    ]
    assert {role["name"]: set(role["scopes"]) for role in listed} == {
        name: set(scopes) for name, scopes in {**BUILT_IN, "night-shift": ROLE["scopes"]}.items()
    }


async def test_roles_are_read_page_by_page_as_every_list(administrator):
    for name in ("night-shift", "day-shift"):
        await administrator.post("/api/v2/roles", json=ROLE | {"name": name})
    found, url = [], "/api/v2/roles?limit=2"
    while url:
        answer = await administrator.get(url)
        found += [role["name"] for role in answer.json()["items"]]
        assert len(answer.json()["items"]) <= 2
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert found == [*BUILT_IN, "day-shift", "night-shift"]
    assert code(await administrator.get("/api/v2/roles?cursor=x")) == (400, "bad_cursor")


async def test_a_built_in_role_stays_as_it_is(administrator):
    for name in BUILT_IN:
        url = f"/api/v2/roles/{name}"
        assert (await administrator.get(url)).json()["built_in"]
        assert code(await administrator.patch(url, json={"scopes": []})) == (409, "role_is_built_in")
        assert code(await administrator.delete(url)) == (409, "role_is_built_in")
    taken = await administrator.post("/api/v2/roles", json=ROLE | {"name": "viewer"})
    assert code(taken) == (409, "role_is_built_in")


async def test_a_name_is_taken_within_an_organization_alone(administrator, bearer, organizations):
    assert (await administrator.post("/api/v2/roles", json=ROLE)).status_code == 201
    assert code(await administrator.post("/api/v2/roles", json=ROLE)) == (409, "role_name_taken")
    theirs = bearer(*BUILT_IN["administrator"], organization_id=organizations.other)
    assert (await administrator.post("/api/v2/roles", json=ROLE, headers=theirs)).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Night"},
        {"name": ""},
        {"name": "a" * 65},
        {"name": "a/b"},
        {"name": "a\n"},
        {"scopes": ["everything"]},
        {"scopes": None},
        {"scopes": ["devices:read"] * 21},
        {"description": "\0"},
        {"description": "x" * 201},
        {"built_in": True},
    ],
)
async def test_a_body_of_the_wrong_shape_changes_nothing(administrator, sql, change):
    assert (await administrator.post("/api/v2/roles", json=ROLE | change)).status_code == 422
    assert await sql.fetchval("select count(*) from roles") == 0
    if "name" not in change:
        await administrator.post("/api/v2/roles", json=ROLE)
        assert (await administrator.patch(URL, json=change)).status_code == 422


async def test_there_are_so_many_and_no_more(administrator, sql, organizations):
    await sql.execute(
        "insert into roles (organization_id, name, scopes) select $1, 'r' || n, '{}' from generate_series(1, $2) n",
        organizations.own,
        MOST_ROLES,
    )
    assert code(await administrator.post("/api/v2/roles", json=ROLE)) == (409, "too_many_roles")
    assert await sql.fetchval("select count(*) from roles") == MOST_ROLES


async def test_a_change_of_what_has_changed_since_is_refused(administrator):
    await administrator.post("/api/v2/roles", json=ROLE)
    await administrator.patch(URL, json={"scopes": []})
    stale = {"If-Match": '"1"'}
    assert code(await administrator.patch(URL, json={"scopes": ["alerts:write"]}, headers=stale)) == (412, "stale")
    assert code(await administrator.delete(URL, headers=stale)) == (412, "stale")
    assert (await administrator.delete(URL, headers={"If-Match": '"2"'})).status_code == 204


class TestNobodyGrantsWhatTheyDoNotHold:
    async def test_by_making_or_changing_a_role(self, administrator, bearer):
        wanted = {"scopes": ["platform:admin"]}
        assert code(await administrator.post("/api/v2/roles", json=ROLE | wanted)) == (403, "scope_not_held")
        await administrator.post("/api/v2/roles", json=ROLE)
        assert code(await administrator.patch(URL, json=wanted)) == (403, "scope_not_held")
        lesser = bearer("organization:admin", "telemetry:read")
        assert code(await administrator.patch(URL, json={"scopes": []}, headers=lesser)) == (403, "scope_not_held")
        assert code(await administrator.delete(URL, headers=lesser)) == (403, "scope_not_held")

    async def test_by_giving_somebody_a_role_that_grants_it(self, administrator, bearer, hire):
        await administrator.post("/api/v2/roles", json=ROLE)
        ann, _ = await hire("viewer")
        lesser = bearer("organization:admin", *BUILT_IN["viewer"])
        answer = await administrator.patch(f"/api/v2/users/{ann}", json={"roles": ["night-shift"]}, headers=lesser)
        assert code(answer) == (403, "scope_not_held")
        body = {"email": "bob@fleet.example", "name": "Bob", "password": PASSWORD, "roles": ["night-shift"]}
        assert code(await administrator.post("/api/v2/users", json=body, headers=lesser)) == (403, "scope_not_held")

    async def test_and_only_administrators_see_roles_at_all(self, administrator, bearer):
        nobody = bearer(*(BUILT_IN["operator"]))
        for method, url in (("GET", "/api/v2/roles"), ("GET", URL), ("POST", "/api/v2/roles"), ("DELETE", URL)):
            assert (await administrator.request(method, url, json=ROLE, headers=nobody)).status_code == 403


async def test_who_holds_a_role_may_do_what_it_says(administrator, hire):
    await administrator.post("/api/v2/roles", json=ROLE | {"scopes": ["devices:read", "alerts:write"]})
    ann, pair = await hire("night-shift", scopes=["updates:read"])
    me = (await administrator.get("/api/v2/auth/me", headers=bearing(pair))).json()
    assert (me["roles"], me["scopes"]) == (["night-shift"], ["alerts:write", "devices:read", "updates:read"])
    assert (await administrator.get("/api/v2/devices", headers=bearing(pair))).status_code == 200
    assert (await administrator.post("/api/v2/devices", json={}, headers=bearing(pair))).status_code == 403
    for read in (
        (await administrator.get(f"/api/v2/users/{ann}")).json(),
        (await administrator.get("/api/v2/users")).json()["items"][0],
    ):
        assert read["effective_scopes"] == me["scopes"]


async def test_a_role_that_the_organization_does_not_have_is_given_to_nobody(
    administrator, bearer, hire, organizations
):
    theirs = bearer(*BUILT_IN["administrator"], organization_id=organizations.other)
    assert (await administrator.post("/api/v2/roles", json=ROLE, headers=theirs)).status_code == 201
    ann, _ = await hire("viewer")
    answer = await administrator.patch(f"/api/v2/users/{ann}", json={"roles": ["night-shift"]})
    assert code(answer) == (422, "unknown_role")
    body = {"email": "bob@fleet.example", "name": "Bob", "password": PASSWORD, "roles": ["viewer", "night-shift"]}
    assert code(await administrator.post("/api/v2/users", json=body)) == (422, "unknown_role")


async def test_what_a_role_gains_comes_with_the_next_token(administrator, hire, sql):
    await administrator.post("/api/v2/roles", json=ROLE)
    _, pair = await hire("night-shift")
    await administrator.patch(URL, json={"scopes": [*ROLE["scopes"], "devices:read"]})
    assert (await administrator.get("/api/v2/devices", headers=bearing(pair))).status_code == 403
    body = {"refresh_token": pair["refresh_token"]}
    pair = (await administrator.post("/api/v2/auth/refresh", json=body)).json()
    assert (await administrator.get("/api/v2/devices", headers=bearing(pair))).status_code == 200
    assert await sql.fetchval("select count(*) from revocations") == 0


async def test_what_a_role_loses_all_who_hold_it_lose_soon(administrator, hire, sql):
    await administrator.post("/api/v2/roles", json=ROLE)
    _, ann = await hire("night-shift")
    _, bob = await hire("night-shift", "operator", email="bob@fleet.example")
    key = {"name": "report", "scopes": ["telemetry:read"]}
    key = (await administrator.post("/api/v2/api-keys", json=key, headers=bearing(ann))).json()
    assert (await administrator.patch(URL, json={"scopes": ["alerts:write"]})).status_code == 200

    async def refused(headers):
        return (await administrator.get("/api/v2/auth/me", headers=headers)).status_code == 401

    await eventually(lambda: refused(bearing(ann)))
    await eventually(lambda: refused({"Authorization": f"Bearer {key['token']}"}))
    # Bob has it by another role: nothing is lost, and no token refused.
    assert (await administrator.get("/api/v2/auth/me", headers=bearing(bob))).status_code == 200
    body = {"refresh_token": ann["refresh_token"]}
    again = (await administrator.post("/api/v2/auth/refresh", json=body)).json()
    me = await administrator.get("/api/v2/auth/me", headers=bearing(again))
    assert (me.status_code, me.json()["scopes"]) == (200, ["alerts:write"])


class TestARoleInUse:
    async def test_stays_and_tells_who_holds_it(self, administrator, hire, organizations):
        await administrator.post("/api/v2/roles", json=ROLE)
        ann, _ = await hire("viewer", "night-shift")
        answer = await administrator.delete(URL)
        assert code(answer) == (409, "role_in_use")
        assert (answer.json()["users"], answer.json()["user_ids"]) == (1, [ann])
        await administrator.patch(f"/api/v2/users/{ann}", json={"roles": ["viewer"]})
        assert (await administrator.delete(URL)).status_code == 204

    async def test_is_not_removed_while_somebody_gets_it(self, administrator, sql, organizations):
        await administrator.post("/api/v2/roles", json=ROLE)
        async with held_up(sql, organizations.own, "ann@fleet.example"):
            body = {"email": "ann@fleet.example", "name": "Ann", "password": PASSWORD, "roles": ["night-shift"]}
            hiring = asyncio.create_task(administrator.post("/api/v2/users", json=body))
            await eventually(lambda: waiting_for_locks(sql, 1))
            removing = asyncio.create_task(administrator.delete(URL))

            async def removed_or_waits():
                return removing.done() or await waiting_for_locks(sql, 2)

            await eventually(removed_or_waits)
        assert (await hiring).status_code == 201
        assert code(await removing) == (409, "role_in_use")
        assert await sql.fetchval("select count(*) from roles") == 1


@asynccontextmanager
async def held_up(sql, organization_id, email):
    """Whoever wants to insert a person with this address waits until the block ends, and may then."""
    transaction = sql.transaction()
    await transaction.start()
    await sql.execute(
        "insert into users (organization_id, email, name, password_hash, scopes) values ($1, $2, 'x', 'x', '{}')",
        organization_id,
        email,
    )
    yield
    await transaction.rollback()


async def waiting_for_locks(sql, number):
    return await sql.fetchval("select count(*) from pg_locks where not granted") == number


class TestTheLastAdministrator:
    @pytest.fixture
    async def keepers(self, administrator):
        role = {"name": "keeper", "scopes": ["organization:admin", "devices:read"]}
        assert (await administrator.post("/api/v2/roles", json=role)).status_code == 201

    async def test_may_be_one_by_a_role_and_then_the_role_stays_as_it_is(self, administrator, keepers, hire):
        await hire("keeper")
        answer = await administrator.patch("/api/v2/roles/keeper", json={"scopes": ["devices:read"]})
        assert code(answer) == (409, "last_administrator")
        assert "organization:admin" in (await administrator.get("/api/v2/roles/keeper")).json()["scopes"]
        await hire("administrator", email="bob@fleet.example")
        answer = await administrator.patch("/api/v2/roles/keeper", json={"scopes": ["devices:read"]})
        assert answer.status_code == 200

    async def test_counts_when_another_one_goes(self, administrator, keepers, hire):
        await hire("keeper")
        bob, _ = await hire("administrator", email="bob@fleet.example")
        assert (await administrator.delete(f"/api/v2/users/{bob}")).status_code == 204
