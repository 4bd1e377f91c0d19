"""What creates something takes an Idempotency-Key, and creates it once."""

from monitoring.app import rest
from monitoring.live.sockets import Sockets
from shared.testing import eventually
from shared.testing.repeated import Creation, done_twice, unkeyed

from .worlds import have_an_alert

ALERT = "b" * 32
RULE = {"name": "hot", "condition": {"kind": "threshold", "metric": "temperature", "above": 80}}
CREATIONS = {
    "POST /api/v2/alert-rules": Creation(
        "/api/v2/alert-rules", {"json": RULE}, other={"json": {**RULE, "name": "cold"}}
    ),
    "POST /api/v2/alerts/{alert_id}/comments": Creation(
        f"/api/v2/alerts/{ALERT}/comments", {"json": {"text": "on my way"}}, other={"json": {"text": "gone"}}
    ),
}
EXCUSED = {
    "changes what is there to a state that it then has": [
        "POST /api/v2/alert-rules/{rule_id}/silence",
        "POST /api/v2/alerts/{alert_id}/acknowledge",
        "POST /api/v2/alerts/{alert_id}/clear",
    ],
}
TELEMETRY = "POST /api/v2/device/{uid}/telemetry"
"""Answers nothing that could be remembered; its key goes to the broker, and what it names is stored once."""


def test_every_post_takes_a_key_or_is_excused(settings):
    document = rest(settings, Sockets(origins=[], unread=1)).openapi()
    assert unkeyed(document, {**CREATIONS, TELEMETRY: Creation("")}, EXCUSED) == []


async def test_each_is_carried_out_once(anyone, credentials, database):
    await have_an_alert(database, rule_id="a" * 32, alert_id=ALERT, organization_id=1, name="pump-1")
    token = credentials.person("telemetry:read", "alerts:write", organization_id=1)
    anyone.headers["Authorization"] = f"Bearer {token}"

    async def is_ready():
        return (await anyone.get("/readyz")).status_code == 200

    await eventually(is_ready)
    assert await done_twice(anyone, CREATIONS) == []
    assert len((await anyone.get(f"/api/v2/alerts/{ALERT}")).json()["comments"]) == 1
