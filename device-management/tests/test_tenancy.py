"""No route of device-management tells of another organization's things, or changes them."""

from uuid import uuid4

import pytest

from device_management.roles.states import BUILT_IN
from shared.testing.tenancy import Theirs, World, trespasses, uncovered

MARKER = "zz-theirs"
PASSWORD = "correct horse battery"
OWN = sorted(BUILT_IN["administrator"])
NOBODYS_ID = 999_999


@pytest.fixture
async def theirs(anyone, credentials, organizations) -> dict[str, object]:
    """One of everything in the other organization, by the path it is made at."""
    token = credentials.person(*OWN, organization_id=organizations.other, session=str(uuid4()))
    headers = {"Authorization": f"Bearer {token}"}

    async def make(path, body, member="id"):
        answer = await anyone.post(f"/api/v2/{path}", json=body, headers=headers)
        assert answer.is_success, (path, answer.text)
        return answer.json()[member]

    user = {"email": f"{MARKER}@fleet.example", "name": MARKER, "password": PASSWORD, "roles": ["administrator"]}
    made = {"users": await make("users", user)}
    login = await anyone.post("/api/v2/auth/login", data={"username": user["email"], "password": PASSWORD})
    headers["Authorization"] = f"Bearer {login.json()['access_token']}"
    made |= {
        "devices": await make("devices", {"device_uid": f"{MARKER}-1", "name": MARKER}, "device_uid"),
        "api-keys": await make("api-keys", {"name": MARKER, "scopes": ["devices:read"]}),
        "gateways": await make("gateways", {"name": MARKER}),
        "groups": await make("groups", {"name": MARKER}),
        "roles": await make("roles", {"name": MARKER, "description": MARKER, "scopes": ["devices:read"]}, "name"),
        "sites": await make("sites", {"name": MARKER, "host": "192.0.2.1"}),
        "webhooks": await make("webhooks", {"url": f"https://93.184.216.34/{MARKER}", "event_types": ["*"]}),
        "resync": await make("devices/resync", {}),
    }
    await make(f"groups/{made['groups']}/members", {"devices": [made["devices"]]}, "changed")
    configured = {"device_uids": [made["devices"]], "params": {"mode": MARKER}}
    made["jobs"] = await make("configuration/jobs", configured)
    ordered = {"type": "system_reboot", "device_uids": [made["devices"]]}
    made["bulk"] = await make("actions/bulk", ordered, "bulk_id")
    made["actions"] = await make("actions", {"type": "system_reboot", "device_uid": made["devices"]}, "action_id")
    file = f"device_uid,name\n{MARKER}-2,{MARKER}\n"
    taken = await anyone.post("/api/v2/imports", content=file, headers={**headers, "Content-Type": "text/csv"})
    made["imports"] = taken.json()["id"]
    made["deliveries"] = await make(f"webhooks/{made['webhooks']}/test", {})
    return made


@pytest.fixture
async def own_webhook(anyone, credentials, organizations) -> int:
    headers = {"Authorization": f"Bearer {credentials.person(*OWN, organization_id=organizations.own)}"}
    body = {"url": "https://93.184.216.34/mine", "event_types": ["*"]}
    return (await anyone.post("/api/v2/webhooks", json=body, headers=headers)).json()["id"]


@pytest.fixture
def world(theirs, own_webhook, credentials, organizations) -> World:
    device, group = theirs["devices"], theirs["groups"]

    def person(*scopes):
        return {"Authorization": f"Bearer {credentials.person(*scopes, organization_id=organizations.own)}"}

    callers = {role: person(*sorted(scopes)) for role, scopes in BUILT_IN.items() if role != "platform"}
    callers["nothing"] = person()
    callers["device"] = {"Authorization": f"Bearer {credentials.device('mine', organization_id=organizations.own)}"}
    callers["gateway"] = {"Authorization": f"Bearer {credentials.gateway(organization_id=organizations.own)}"}
    edit = {"json": {"name": "mine"}}
    return World(
        marker=MARKER,
        callers=callers,
        owner="administrator",
        ids={
            "/api/v2/organizations/{organization_id}": Theirs(organizations.other, NOBODYS_ID),
            "/api/v2/users/{user_id}": Theirs(theirs["users"], NOBODYS_ID),
            "/api/v2/api-keys/{key_id}": Theirs(theirs["api-keys"], uuid4()),
            "/api/v2/gateways/{key_id}": Theirs(theirs["gateways"], uuid4()),
            "/api/v2/devices/{id_or_uid}": Theirs(device, "nobodys"),
            "/api/v2/devices/resync/{resync_id}": Theirs(theirs["resync"], NOBODYS_ID),
            "/api/v2/devices/{id_or_uid}/actions/{action_id}": Theirs(theirs["actions"], NOBODYS_ID),
            "/api/v2/actions/{action_id}": Theirs(theirs["actions"], NOBODYS_ID),
            "/api/v2/actions/bulk/{bulk_id}": Theirs(theirs["bulk"], NOBODYS_ID),
            "/api/v2/configuration/jobs/{job_id}": Theirs(theirs["jobs"], uuid4()),
            "/api/v2/groups/{group_id}": Theirs(group, NOBODYS_ID),
            "/api/v2/imports/{import_id}": Theirs(theirs["imports"], NOBODYS_ID),
            "/api/v2/roles/{name}": Theirs(theirs["roles"], "nobodys"),
            "/api/v2/sites/{site_id}": Theirs(theirs["sites"], NOBODYS_ID),
            "/api/v2/webhooks/{webhook_id}": Theirs(theirs["webhooks"], NOBODYS_ID),
            "/api/v2/webhooks/{webhook_id}/deliveries/{delivery_id}": Theirs(theirs["deliveries"], NOBODYS_ID),
        },
        bodies={
            "POST /api/v2/auth/login": {"data": {"username": "nobody@fleet.example", "password": PASSWORD}},
            "POST /api/v2/auth/refresh": {"json": {"refresh_token": "nobodys"}},
            "POST /api/v2/auth/logout": {"json": {"refresh_token": "nobodys"}},
            "POST /api/v2/auth/password": {"json": {"current_password": PASSWORD, "new_password": "x" * 12}},
            "POST /api/v2/organizations": {"json": {"slug": "mine", "name": "mine"}},
            "PATCH /api/v2/organizations/{organization_id}": edit,
            "POST /api/v2/users": {
                "json": {"email": "mine@fleet.example", "name": "mine", "password": PASSWORD, "roles": ["viewer"]}
            },
            "PATCH /api/v2/users/{user_id}": edit,
            "POST /api/v2/api-keys": {"json": {"name": "mine", "scopes": ["organization:admin"]}},
            "POST /api/v2/gateways": edit,
            "POST /api/v2/devices": {"json": {"organization_id": organizations.other}},
            "POST /api/v2/devices/resync": {"json": {}},
            "POST /api/v2/devices/search": {"json": {"rql": f'eq(device_uid,"{device}")'}},
            "POST /api/v2/devices/batch": {"json": [{"organization_id": organizations.other}]},
            "PATCH /api/v2/devices/{id_or_uid}": edit,
            "PUT /api/v2/devices/{id_or_uid}": edit,
            "PUT /api/v2/devices/{id_or_uid}/status": {"json": {"status": "maintenance"}},
            "POST /api/v2/devices/{id_or_uid}/token/rotate": {"json": {}},
            "POST /api/v2/devices/{id_or_uid}/actions": {"json": {"action_type": "system_reboot"}},
            "PUT /api/v2/devices/{id_or_uid}/configuration": {"json": {"desired": {"mode": "mine"}}},
            "POST /api/v2/actions": {"json": {"type": "system_reboot", "device_uid": device}},
            "POST /api/v2/actions/bulk": {"json": {"type": "system_reboot", "group": group}},
            "POST /api/v2/configuration/jobs": {"json": {"params": {"mode": "mine"}, "group_id": group}},
            "POST /api/config/start": {"json": {"device_uids": [device], "config_params": {"mode": "mine"}}},
            "POST /api/v2/groups": {"json": {"name": "mine", "rql": f"eq(group,{group})"}},
            "PATCH /api/v2/groups/{group_id}": edit,
            "POST /api/v2/groups/{group_id}/members": {"json": {"devices": [device]}},
            "POST /api/v2/groups/{group_id}/members/remove": {"json": {"devices": [device]}},
            "POST /api/v2/imports": {
                "content": f"device_uid,name\n{device},mine\n",
                "headers": {"Content-Type": "text/csv"},
            },
            "POST /api/v2/roles": {"json": {"name": "mine", "scopes": ["devices:read"]}},
            "PATCH /api/v2/roles/{name}": {"json": {"scopes": []}},
            "POST /api/v2/sites": {"json": {"name": "mine", "host": "192.0.2.1"}},
            "PATCH /api/v2/sites/{site_id}": edit,
            "POST /api/v2/sites/{site_id}/devices": {"json": {"devices": [device]}},
            "POST /api/v2/sites/{site_id}/devices/remove": {"json": {"devices": [device]}},
            "POST /api/sites/create": {"json": [{"siteName": "mine", "host": "192.0.2.1", "port": "1883"}]},
            "POST /api/v2/webhooks": {"json": {"url": "https://93.184.216.34/mine", "event_types": ["*"]}},
            "PATCH /api/v2/webhooks/{webhook_id}": {"json": {"description": "mine"}},
        },
        queries={
            **{
                f"{method} /api/v2/{path}": [f"?organization_id={organizations.other}"]
                for path, methods in {
                    "users": ("GET", "POST"),
                    "users/{user_id}": ("GET", "PATCH", "DELETE"),
                    "roles": ("GET", "POST"),
                    "roles/{name}": ("GET", "PATCH", "DELETE"),
                }.items()
                for method in methods
            },
            "GET /api/v2/audit": [f"?subject_kind=device&subject_id={device}", "?subject_kind=user&subject_id=1"],
            "GET /api/v2/actions": [f"?device_uid={device}", f"?bulk={theirs['bulk']}"],
            "GET /api/config/status": [f"?workflowID={theirs['jobs']}&runID={uuid4()}"],
            "POST /api/v2/imports": ["?policy=update&filename=mine.csv"],
            "GET /api/v2/devices/export": [f"?format=ndjson&group={group}&rql=exists(name)", "?rql=exists(name)"],
            "GET /api/v2/devices": [f"?group={group}&rql=ne(name,null)&device_type=x&tag=x"],
        },
        own={"/api/v2/webhooks/{webhook_id}": own_webhook},
        beyond=frozenset(
            {
                "POST /api/v2/organizations/{organization_id}/suspend",
                "POST /api/v2/organizations/{organization_id}/reactivate",
            }
        ),
        public=frozenset({"POST /api/v2/auth/login", "POST /api/v2/auth/refresh", "POST /api/v2/auth/logout"}),
    )


async def rows_of(sql, organization_id) -> dict[str, list[str]]:
    """Everything that the organization has in the database, and what was told of it."""
    owned = await sql.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' "
        "and column_name = 'organization_id' order by 1"
    )
    rows = {
        table["table_name"]: await sql.fetch(
            f"select to_jsonb(t)::text as row from {table['table_name']} t where organization_id = $1",  # noqa: S608
            organization_id,
        )
        for table in owned
    }
    rows["outbox"] = await sql.fetch(
        "select payload as row from outbox where (payload::jsonb ->> 'organizationid')::int = $1", organization_id
    )
    return {table: sorted(row["row"] for row in found) for table, found in rows.items()}


async def test_every_route_is_covered(anyone, world):
    assert uncovered((await anyone.get("/openapi.json")).json(), world) == []


async def test_another_organization_does_not_exist(anyone, world, sql, organizations):
    before = await rows_of(sql, organizations.other)
    assert any(before.values())
    assert await trespasses(anyone, (await anyone.get("/openapi.json")).json(), world) == []
    assert await rows_of(sql, organizations.other) == before
