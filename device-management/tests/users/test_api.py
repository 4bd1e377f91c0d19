import asyncio

import pytest

from device_management.auth.service import AuthService
from shared.testing import eventually

PASSWORD = "correct horse battery"
ADMINISTRATOR = {"devices:read", "devices:write", "organization:admin", "telemetry:read", "alerts:write"} | {
    "updates:read",
    "updates:write",
    "updates:approve",
}


@pytest.fixture
def person(sql, app):
    """Makes somebody who signs in, past the api."""

    async def person(organization_id, *roles, email="ann@fleet.example", active=True):
        async with app.state.scopes() as scope:
            hashed = await scope.get(AuthService).hash(PASSWORD)
        return await sql.fetchval(
            "insert into users (organization_id, email, name, password_hash, roles, scopes, active) "
            "values ($1, $2, 'Ann', $3, $4, '{}', $5) returning id",
            *(organization_id, email, hashed, list(roles), active),
        )

    return person


async def sign_in(client, email="ann@fleet.example", password=PASSWORD):
    return await client.post("/api/v2/auth/login", data={"username": email, "password": password})


@pytest.fixture
def bearer(credentials, organizations):
    def bearer(*scopes, organization_id=None, user="1"):
        token = credentials.person(*scopes, organization_id=organization_id or organizations.own, user=user)
        return {"Authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture
def administrator(anyone, bearer):
    anyone.headers.update(bearer(*ADMINISTRATOR))
    return anyone


BODY = {"email": "Bob@Fleet.example", "name": "Bob", "password": PASSWORD, "roles": ["viewer"]}


async def test_somebody_new_signs_in_and_sees_roles_and_scopes(administrator, sql):
    answer = await administrator.post("/api/v2/users", json=BODY)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"1"'
    bob = answer.json()
    assert (bob["email"], bob["effective_scopes"]) == (
        "bob@fleet.example",
        ["devices:read", "telemetry:read", "updates:read"],
    )
    assert PASSWORD not in answer.text
    assert "argon2" not in answer.text
    access = (await sign_in(administrator, "bob@fleet.example")).json()["access_token"]
    me = (await administrator.get("/api/v2/auth/me", headers={"Authorization": f"Bearer {access}"})).json()
    assert (me["roles"], me["scopes"]) == (["viewer"], bob["effective_scopes"])
    audited = await sql.fetchrow("select subject_kind, action, after::text from audit_entries")
    assert (audited["subject_kind"], audited["action"]) == ("user", "created")
    assert "argon2" not in audited["after"]


async def test_an_email_is_unique_on_the_platform(administrator, person, organizations):
    await person(organizations.other, email="bob@fleet.example")
    answer = await administrator.post("/api/v2/users", json=BODY)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


@pytest.mark.parametrize(
    "change",
    [
        {"email": "nobody"},
        {"email": "a@b@c"},
        {"email": "a\0@b.example"},
        {"email": "x" * 250 + "@b.example"},
        {"name": ""},
        {"name": "\0"},
        {"password": "short"},
        {"roles": ["king"]},
        {"scopes": ["everything"]},
        {"active": False},
    ],
)
async def test_a_body_of_the_wrong_shape_changes_nothing(administrator, sql, change):
    assert (await administrator.post("/api/v2/users", json=BODY | change)).status_code == 422
    assert await sql.fetchval("select count(*) from users") == 0


@pytest.mark.parametrize("more", [{"scopes": ["platform:admin"]}, {"roles": ["platform"]}])
async def test_nobody_grants_what_they_do_not_hold(administrator, person, organizations, more):
    created = await administrator.post("/api/v2/users", json=BODY | more)
    assert (created.status_code, created.json()["code"]) == (403, "scope_not_held")
    ann = await person(organizations.own, "viewer")
    edited = await administrator.patch(f"/api/v2/users/{ann}", json=more)
    assert (edited.status_code, edited.json()["code"]) == (403, "scope_not_held")


async def test_nobody_rules_over_those_who_hold_more(administrator, person, organizations):
    ann = await person(organizations.own, "platform")
    for answer in (
        await administrator.patch(f"/api/v2/users/{ann}", json={"password": "a password of mine"}),
        await administrator.patch(f"/api/v2/users/{ann}", json={"active": False}),
        await administrator.delete(f"/api/v2/users/{ann}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_not_held")
    assert (await sign_in(administrator)).status_code == 200


@pytest.mark.parametrize(
    ("change", "still_signs_in"),
    [
        ({"active": False}, False),
        ({"password": "another password"}, False),
        ({"roles": []}, True),
        ({"roles": ["viewer"]}, True),
    ],
)
async def test_who_loses_something_loses_it_soon(administrator, person, organizations, change, still_signs_in):
    ann = await person(organizations.own, "operator")
    pair = (await sign_in(administrator)).json()
    headers = {"Authorization": f"Bearer {pair['access_token']}"}
    assert (await administrator.get("/api/v2/devices", headers=headers)).status_code == 200
    assert (await administrator.patch(f"/api/v2/users/{ann}", json=change)).status_code == 200

    async def refused():
        return (await administrator.get("/api/v2/auth/me", headers=headers)).status_code == 401

    await eventually(refused)
    refreshed = await administrator.post("/api/v2/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert refreshed.status_code == (200 if still_signs_in else 401)
    if still_signs_in:
        headers = {"Authorization": f"Bearer {refreshed.json()['access_token']}"}
        me = await administrator.get("/api/v2/auth/me", headers=headers)
        assert (me.status_code, "devices:write" in me.json()["scopes"]) == (200, False)


async def test_a_new_name_ends_nothing(administrator, person, organizations, sql):
    ann = await person(organizations.own, "viewer")
    edited = await administrator.patch(f"/api/v2/users/{ann}", json={"name": "Anna"}, headers={"If-Match": '"1"'})
    assert (edited.json()["name"], edited.json()["version"]) == ("Anna", 2)
    stale = await administrator.patch(f"/api/v2/users/{ann}", json={"name": "Anne"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    nothing = await administrator.patch(f"/api/v2/users/{ann}", json={"name": "Anna"})
    assert nothing.json()["version"] == 2
    assert (await administrator.patch(f"/api/v2/users/{ann}", json={"name": None})).status_code == 422
    assert await sql.fetchval("select count(*) from revocations") == 0


class TestTheLastAdministrator:
    @pytest.mark.parametrize("change", [{"active": False}, {"roles": ["operator"]}, None])
    async def test_stays(self, administrator, person, organizations, change):
        ann = await person(organizations.own, "administrator")
        await person(organizations.own, "administrator", email="gone@fleet.example", active=False)
        await person(organizations.other, "administrator", email="far@fleet.example")
        url = f"/api/v2/users/{ann}"
        answer = await (administrator.patch(url, json=change) if change else administrator.delete(url))
        assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")

    async def test_of_two_who_remove_each_other_at_once_one_stays(self, administrator, person, organizations, sql):
        both = [await person(organizations.own, "administrator", email=f"a{n}@fleet.example") for n in range(2)]
        answers = await asyncio.gather(*(administrator.delete(f"/api/v2/users/{user}") for user in both))
        assert sorted(answer.status_code for answer in answers) == [204, 409]
        assert await sql.fetchval("select count(*) from users") == 1

    async def test_of_the_platform_stays_too(self, anyone, bearer, person, organizations):
        ann = await person(organizations.own, "platform")
        await person(organizations.own, "administrator", email="b@fleet.example")
        headers = bearer(*ADMINISTRATOR, "platform:admin")
        answer = await anyone.patch(f"/api/v2/users/{ann}", json={"active": False}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "last_administrator")


async def test_the_platform_makes_the_first_administrator_of_another_organization(anyone, bearer, organizations):
    headers = bearer(*ADMINISTRATOR, "platform:admin")
    url = f"/api/v2/users?organization_id={organizations.other}"
    answer = await anyone.post(url, json=BODY | {"roles": ["administrator"]}, headers=headers)
    assert (answer.status_code, answer.json()["organization_id"]) == (201, organizations.other)
    assert (await anyone.get("/api/v2/users", headers=headers)).json()["items"] == []
    assert len((await anyone.get(url, headers=headers)).json()["items"]) == 1
    refused = await anyone.post(url, json=BODY, headers=bearer(*ADMINISTRATOR))
    assert (refused.status_code, refused.json()["code"]) == (404, "organization_not_found")


async def test_another_organizations_people_answer_as_those_who_do_not_exist(administrator, person, organizations):
    ann = await person(organizations.other, "viewer")
    for method in ("GET", "PATCH", "DELETE"):
        theirs = await administrator.request(method, f"/api/v2/users/{ann}", json={"name": "x"})
        nobodys = await administrator.request(method, "/api/v2/users/99999", json={"name": "x"})
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() == nobodys.json()
    assert (await administrator.get("/api/v2/users")).json()["items"] == []


async def test_who_is_removed_leaves_the_address_to_others(administrator, person, organizations, sql):
    ann = await person(organizations.own, "viewer")
    assert (await administrator.delete(f"/api/v2/users/{ann}")).status_code == 204
    assert (await sign_in(administrator)).status_code == 401
    again = await administrator.post("/api/v2/users", json=BODY | {"email": "ann@fleet.example"})
    assert again.status_code == 201
    assert await sql.fetchval("select actor_kind from audit_entries where action = 'removed'") == "api_key"
