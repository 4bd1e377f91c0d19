"""No route of ota-service tells of another organization's things, or changes them."""

from uuid import uuid4

import pytest

from shared.testing.tenancy import Theirs, World, trespasses, uncovered

MARKER = "zz-theirs"
OWN, OTHER = 1, 2
SITE = 77
VERBS = ("ack", "downloading", "flashed", "complete", "fail", "cancelled", "refuse-cancel", "confirm", "deny")
OPERATE = ("devices:read", "updates:read", "updates:write", "updates:approve", "organization:admin")


@pytest.fixture
async def theirs(add_devices, add_firmware, connect, credentials) -> dict[str, str]:
    await add_devices(MARKER, organization_id=OTHER, site_id=SITE)
    await add_devices("mine", organization_id=OWN)
    firmware = await add_firmware(MARKER, organization_id=OTHER)
    person = connect(credentials.person(*OPERATE, organization_id=OTHER))
    answer = await person.post("/api/v2/updates", json={"device_uid": MARKER, "firmware_id": firmware.id})
    limit = await person.put(f"/api/v2/firmware/bandwidth/{SITE}", json={"bytes_per_second": 50_000_000})
    assert limit.status_code == 200
    body = {"name": MARKER, "firmware_id": firmware.id, "device_ids": [MARKER]}
    batch = await person.post("/api/v2/updates/batches", json=body)
    document = {
        "name": MARKER,
        "slug": MARKER,
        "bundle": {"apps": [{"firmware_id": firmware.id}]},
        "waves": [{"clusters": [{"device_uids": [MARKER]}]}],
    }
    assert (await person.post("/api/v2/releases", json=document)).status_code == 201
    return {"firmware": firmware.id, "session": answer.json()["session_id"], "batch": batch.json()["id"]}


@pytest.fixture
def world(theirs, credentials) -> World:
    def bearer(token):
        return {"Authorization": f"Bearer {token}"}

    updates = "/api/v2/device/{uid}/updates"
    device_paths = {
        f"GET {updates}",
        f"GET {updates}/next",
        f"GET {updates}/{{session_id}}/file",
        f"GET {updates}/{{session_id}}/files/{{position}}",
        *(f"POST {updates}/{{session_id}}/{verb}" for verb in VERBS),
    }
    upload = {"files": {"file": b"mine"}, "data": {"name": "mine", "version": "1"}}
    return World(
        marker=MARKER,
        callers={
            "operator": bearer(credentials.person(*OPERATE, organization_id=OWN)),
            "reader": bearer(credentials.person("devices:read", "updates:read", organization_id=OWN)),
            "nothing": bearer(credentials.person(organization_id=OWN)),
            "device": bearer(credentials.device("mine", organization_id=OWN)),
            "device of the name": bearer(credentials.device(MARKER, organization_id=OWN)),
            "gateway": bearer(credentials.gateway(organization_id=OWN)),
        },
        owner="operator",
        ids={
            "/api/v2/fleet/{uid}": Theirs(MARKER, "nobodys"),
            "/api/v2/firmware/bandwidth/{site_id}": Theirs(SITE, 999_999),
            "/api/v2/firmware/{firmware_id}": Theirs(theirs["firmware"], 999_999),
            "/api/v2/updates/batches/{batch_id}": Theirs(theirs["batch"], 999_999),
            "/api/v2/releases/{release_id}": Theirs(MARKER, "nobodys"),
            "/api/v2/entities/{entity_id}": Theirs(f"release:{MARKER}", "release:nobodys"),
            "/api/v2/updates/{session_id}": Theirs(theirs["session"], uuid4()),
            "/api/v2/device/{uid}": Theirs(MARKER, "nobodys"),
            f"{updates}/{{session_id}}": Theirs(theirs["session"], uuid4()),
            f"{updates}/{{session_id}}/files/{{position}}": Theirs(1, 2),
        },
        own={"/api/v2/device/{uid}": "mine"},
        bodies={
            "POST /api/v2/firmware": upload,
            "PUT /api/v2/firmware/bandwidth/{site_id}": {"json": {"bytes_per_second": 1_000_000}},
            "PUT /api/v2/firmware/policy": {"json": {"approvals": 2}},
            "POST /api/v2/firmware/{firmware_id}/withdraw": {"json": {"reason": "mine"}},
            "POST /api/v2/updates/{session_id}/cancel": {"json": {"force": True}},
            "POST /api/v2/updates": {"json": {"device_uid": MARKER, "firmware_id": theirs["firmware"]}},
            "POST /api/v2/releases": {
                "json": {
                    "name": "mine",
                    "bundle": {"apps": [{"firmware_id": theirs["firmware"]}]},
                    "waves": [{"clusters": [{"device_uids": [MARKER]}]}],
                }
            },
            "POST /api/v2/releases/{release_id}/resume": {"json": {}},
            "POST /api/v2/updates/batches": {
                "json": {"name": "mine", "firmware_id": theirs["firmware"], "device_ids": [MARKER]}
            },
            **{name: {"json": {}} for name in device_paths if name.startswith("POST")},
        },
        queries={
            "GET /api/v2/updates": [f"?device_uid={MARKER}"],
            "POST /api/v2/updates/batches": ["?dry_run=true"],
            "POST /api/v2/releases": ["?dry_run=true"],
            "GET /api/v2/updates/why": [f"?device_uid={MARKER}", f"?device_uid=mine&release={MARKER}"],
        },
        beyond=frozenset(device_paths),
        public=frozenset({"GET /api/v2/firmware/keys"}),
    )


async def rows_of(sql, organization_id) -> dict[str, list[str]]:
    owned = await sql.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' "
        "and column_name = 'organization_id' order by 1"
    )
    found = {
        table["table_name"]: await sql.fetch(
            f"select to_jsonb(t)::text as row from {table['table_name']} t where organization_id = $1",  # noqa: S608
            organization_id,
        )
        for table in owned
    }
    return {table: sorted(row["row"] for row in rows) for table, rows in found.items()}


@pytest.fixture
def anyone(connect):
    return connect("")


async def test_every_route_is_covered(anyone, world):
    assert uncovered((await anyone.get("/openapi.json")).json(), world) == []


async def test_another_organization_does_not_exist(anyone, world, sql):
    before = await rows_of(sql, OTHER)
    assert any(before.values())
    assert await trespasses(anyone, (await anyone.get("/openapi.json")).json(), world) == []
    assert await rows_of(sql, OTHER) == before
