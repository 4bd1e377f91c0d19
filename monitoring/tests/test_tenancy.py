"""No route of monitoring tells of another organization's things."""

import pytest

from shared.testing import eventually
from shared.testing.tenancy import Theirs, World, trespasses, uncovered

from .worlds import body, group_state, have_an_alert

MARKER = "zz-theirs"
THEIR_RULE, THEIR_ALERT, NOBODYS = "a" * 32, "b" * 32, "c" * 32
HOT = {"kind": "threshold", "metric": "temperature", "above": 80}
OWN, OTHER = 1, 2
THEIR_GROUP = 77
THEIR_DEVICES = [f"?device_uid={MARKER}", f"?group={THEIR_GROUP}", f'?rql=eq(device_uid,"{MARKER}")']


@pytest.fixture
def world(credentials) -> World:
    def bearer(token):
        return {"Authorization": f"Bearer {token}"}

    submit = "POST /api/v2/device/{uid}/telemetry"
    return World(
        marker=MARKER,
        callers={
            "reader": bearer(credentials.person("devices:read", "telemetry:read", "alerts:write", organization_id=OWN)),
            "nothing": bearer(credentials.person(organization_id=OWN)),
            "device": bearer(credentials.device("mine", organization_id=OWN)),
            "gateway": bearer(credentials.gateway(organization_id=OWN)),
        },
        owner="reader",
        ids={
            "/api/v2/device/{uid}": Theirs(MARKER, "nobodys"),
            "/api/v2/presence/{uid}": Theirs(MARKER, "nobodys"),
            "/api/v2/alert-rules/{rule_id}": Theirs(THEIR_RULE, NOBODYS),
            "/api/v2/alerts/{alert_id}": Theirs(THEIR_ALERT, NOBODYS),
        },
        bodies={
            submit: {"content": body()},
            "POST /api/v2/alert-rules": {
                "json": {"name": "hot", "condition": HOT, "scope": {"device_uids": [MARKER]}},
            },
            "PATCH /api/v2/alert-rules/{rule_id}": {"json": {"name": "mine now"}},
            "POST /api/v2/alert-rules/{rule_id}/silence": {"json": {"until": None}},
            "POST /api/v2/alerts/{alert_id}/comments": {"json": {"text": "hello"}},
        },
        queries={
            "GET /api/v2/telemetry": [f"?device_uid={MARKER}"],
            "GET /api/v2/telemetry/latest": [f"?device_uid={MARKER}"],
            "GET /api/v2/telemetry/series": THEIR_DEVICES,
            "GET /api/v2/telemetry/statistics": THEIR_DEVICES,
            "GET /api/v2/telemetry/ranking": [f"{query}&metric=a" for query in THEIR_DEVICES],
            "GET /api/v2/telemetry/export": THEIR_DEVICES,
            "GET /api/v2/telemetry/accounting": [f"?device_uid={MARKER}"],
            "GET /api/v2/presence": [f"?device_uid={MARKER}"],
            "GET /api/v2/alerts": [f"?device_uid={MARKER}", f"?rule={THEIR_RULE}"],
        },
        beyond=frozenset({submit}),
    )


async def test_every_route_is_covered(anyone, world):
    assert uncovered((await anyone.get("/openapi.json")).json(), world) == []


async def test_another_organization_does_not_exist(anyone, world, fleet, register, database):
    await register(MARKER, organization_id=OTHER, group_ids=[THEIR_GROUP])
    await fleet.follow_groups([group_state(THEIR_GROUP, organization_id=OTHER)])
    await have_an_alert(database, rule_id=THEIR_RULE, alert_id=THEIR_ALERT, organization_id=OTHER, name=MARKER)
    await register("mine", organization_id=OWN)

    async def is_ready():
        return (await anyone.get("/readyz")).status_code == 200

    await eventually(is_ready)
    assert await trespasses(anyone, (await anyone.get("/openapi.json")).json(), world) == []
