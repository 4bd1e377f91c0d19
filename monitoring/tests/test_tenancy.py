"""No route of monitoring tells of another organization's things."""

import pytest

from shared.testing import eventually
from shared.testing.tenancy import Theirs, World, trespasses, uncovered

from .worlds import body

MARKER = "zz-theirs"
OWN, OTHER = 1, 2


@pytest.fixture
def world(credentials) -> World:
    def bearer(token):
        return {"Authorization": f"Bearer {token}"}

    submit = "POST /api/v2/device/{uid}/telemetry"
    return World(
        marker=MARKER,
        callers={
            "reader": bearer(credentials.person("devices:read", "telemetry:read", organization_id=OWN)),
            "nothing": bearer(credentials.person(organization_id=OWN)),
            "device": bearer(credentials.device("mine", organization_id=OWN)),
            "gateway": bearer(credentials.gateway(organization_id=OWN)),
        },
        owner="reader",
        ids={uid: Theirs(MARKER, "nobodys") for uid in ("/api/v2/device/{uid}", "/api/v2/presence/{uid}")},
        bodies={submit: {"content": body()}},
        queries={
            "GET /api/v2/telemetry": [f"?device_uid={MARKER}"],
            "GET /api/v2/telemetry/latest": [f"?device_uid={MARKER}"],
            "GET /api/v2/presence": [f"?device_uid={MARKER}"],
        },
        beyond=frozenset({submit}),
    )


async def test_every_route_is_covered(anyone, world):
    assert uncovered((await anyone.get("/openapi.json")).json(), world) == []


async def test_another_organization_does_not_exist(anyone, world, register):
    await register(MARKER, organization_id=OTHER)
    await register("mine", organization_id=OWN)

    async def is_ready():
        return (await anyone.get("/readyz")).status_code == 200

    await eventually(is_ready)
    assert await trespasses(anyone, (await anyone.get("/openapi.json")).json(), world) == []
