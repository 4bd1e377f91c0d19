"""A name that nobody can read is refused wherever people give one; which those are is in shared's tests."""

import pytest

BLANK, HIDDEN = "\u200b\u00a0", "safe\u202ecod.exe"
SITE = {"host": "192.0.2.1"}
SCOPES = ("platform:admin", "organization:admin", "devices:read", "devices:write")


@pytest.fixture
def named(organizations):
    """By path a body whose name, or tag, is `name`."""
    return {
        "groups": lambda name: {"name": name},
        "sites": lambda name: {"name": name, **SITE},
        "organizations": lambda name: {"slug": "new", "name": name},
        "api-keys": lambda name: {"name": name, "scopes": ["devices:read"]},
        "gateways": lambda name: {"name": name},
        "users": lambda name: {"email": "a@b.example", "name": name, "password": "correct horse battery"},
        "devices": lambda name: {"tags": ["outdoor", name]},
        "devices/batch": lambda name: [{"organization_id": organizations.own, "tags": ["outdoor", name]}],
    }


@pytest.mark.parametrize(("name", "kind"), [(BLANK, "name_blank"), (HIDDEN, "name_unreadable")])
async def test_what_is_made_has_a_name_that_can_be_read(anyone, credentials, organizations, named, name, kind):
    anyone.headers["Authorization"] = f"Bearer {credentials.person(*SCOPES, organization_id=organizations.own)}"
    for path, body in named.items():
        answer = await anyone.post(f"/api/v2/{path}", json=body(name))
        assert answer.status_code == 422, path
        assert [error["type"] for error in answer.json()["errors"]] == [kind], path
        assert (await anyone.post(f"/api/v2/{path}", json=body("Größe 5"))).status_code != 422, path


async def test_and_keeps_such_a_name(admin):
    for path, body in {"groups": {}, "sites": SITE}.items():
        made = (await admin.post(f"/api/v2/{path}", json={"name": "first", **body})).json()
        edited = await admin.patch(f"/api/v2/{path}/{made['id']}", json={"name": BLANK})
        assert (edited.status_code, edited.json()["errors"][0]["type"]) == (422, "name_blank")
    await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    edited = await admin.patch("/api/v2/devices/pump-1", json={"tags": [HIDDEN]})
    assert (edited.status_code, edited.json()["errors"][0]["type"]) == (422, "name_unreadable")
