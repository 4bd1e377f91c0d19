"""What creates something takes an Idempotency-Key, and creates it once; what is remembered of it is sealed."""

import json
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from device_management.roles.states import BUILT_IN
from shared.testing.repeated import Creation, done_twice, unkeyed

PASSWORD = "correct horse battery"
WEBHOOK = {"url": "https://93.184.216.34/news", "event_types": ["*"]}
EXCUSED = {
    "signs somebody in or out": [
        *("POST /api/v2/auth/login", "POST /api/v2/auth/refresh", "POST /api/v2/auth/logout"),
        *("POST /api/v2/auth/logout-everywhere", "POST /api/v2/auth/password"),
    ],
    "changes what is there to a state that it then has": [
        "POST /api/v2/organizations/{organization_id}/suspend",
        "POST /api/v2/organizations/{organization_id}/reactivate",
        "POST /api/v2/actions/{action_id}/cancel",
        "POST /api/v2/groups/{group_id}/members",
        "POST /api/v2/groups/{group_id}/members/remove",
        "POST /api/v2/imports/{import_id}/cancel",
        "POST /api/v2/sites/{site_id}/devices",
        "POST /api/v2/sites/{site_id}/devices/remove",
        "POST /api/v2/configuration/jobs/{job_id}/pause",
        "POST /api/v2/configuration/jobs/{job_id}/resume",
        "POST /api/v2/configuration/jobs/{job_id}/cancel",
        "POST /api/v2/configuration/jobs/{job_id}/retry",
    ],
    "sends again what receivers know by its id": ["POST /api/v2/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"],
    "reads": ["POST /api/v2/devices/search"],
}


@pytest.fixture
async def person(anyone, credentials, organizations) -> httpx.AsyncClient:
    """Somebody who may do everything, signed in, for keys are handed to people who exist."""
    scopes = sorted(BUILT_IN["administrator"] | BUILT_IN["platform"])

    def sign_in(user: int) -> None:
        session = str(uuid4())
        token = credentials.person(*scopes, organization_id=organizations.own, user=str(user), session=session)
        anyone.headers["Authorization"] = f"Bearer {token}"

    sign_in(1)
    somebody = {"email": "one@fleet.example", "name": "One", "password": PASSWORD, "roles": ["administrator"]}
    sign_in((await anyone.post("/api/v2/users", json=somebody)).json()["id"])
    return anyone


@pytest.fixture
async def creations(person, organizations) -> dict[str, Creation]:
    await person.post("/api/v2/devices", json={"device_uid": "pump-1"})
    webhook = (await person.post("/api/v2/webhooks", json=WEBHOOK)).json()["id"]

    def of(path: str, body: object = None, **parameters: object) -> tuple[str, Creation]:
        options = {} if body is None else {"json": body}
        return f"POST {path}", Creation(path.format(**parameters), options)

    file = {"content": b"device_uid,name\npump-9,Nine\n", "headers": {"Content-Type": "text/csv"}}
    return {
        **dict(
            (
                of("/api/v2/organizations", {"slug": "new", "name": "New"}),
                of(
                    "/api/v2/users",
                    {"email": "two@fleet.example", "name": "Two", "password": PASSWORD, "roles": ["viewer"]},
                ),
                of("/api/v2/roles", {"name": "looker", "scopes": ["devices:read"]}),
                of("/api/v2/api-keys", {"name": "script", "scopes": ["devices:read"]}),
                of("/api/v2/gateways", {"name": "hall-1"}),
                of("/api/v2/actions", {"type": "system_reboot", "device_uid": "pump-1"}),
                of("/api/v2/actions/bulk", {"type": "system_reboot", "device_uids": ["pump-1"]}),
                of("/api/v2/devices/{id_or_uid}/actions", {"action_type": "system_reboot"}, id_or_uid="pump-1"),
                of("/api/v2/devices/resync", {}),
                of("/api/v2/devices", {"name": "Pump"}),
                of("/api/v2/devices/batch", [{"organization_id": organizations.own, "serial_number": "1"}]),
                of("/api/v2/devices/{id_or_uid}/token", id_or_uid="pump-1"),
                of("/api/v2/devices/{id_or_uid}/token/rotate", {"overlap_s": 60}, id_or_uid="pump-1"),
                of("/api/v2/groups", {"name": "hall"}),
                of("/api/v2/sites", {"name": "hall", "host": "192.0.2.1", "password": PASSWORD}),
                of("/api/v2/configuration/jobs", {"params": {"mode": "fast"}, "device_uids": ["pump-1"]}),
                of("/api/config/start", {"device_uids": ["pump-1"], "config_params": {"mode": "slow"}}),
                of("/api/sites/create", [{"siteName": "yard", "host": "192.0.2.2", "port": "1883"}]),
                of("/api/v2/webhooks", WEBHOOK),
                of("/api/v2/webhooks/{webhook_id}/secret", webhook_id=webhook),
                of("/api/v2/webhooks/{webhook_id}/test", webhook_id=webhook),
            )
        ),
        "POST /api/v2/imports": Creation("/api/v2/imports", file),
    }


async def test_every_post_takes_a_key_or_is_excused(app, creations):
    assert unkeyed(app.openapi(), creations, EXCUSED) == []


def texts_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for member in value.values():
            yield from texts_of(member)
    elif isinstance(value, str):
        yield value


async def test_each_is_carried_out_once_and_nothing_of_it_is_legible_in_the_database(person, creations, sql):
    assert await done_twice(person, creations) == []
    rows = await sql.fetch("select key, fingerprint, answer from idempotency_keys")
    assert {row["key"] for row in rows} == creations.keys()
    remembered = " ".join(row["answer"] for row in rows)
    for name in ("POST /api/v2/api-keys", "POST /api/v2/webhooks", "POST /api/v2/devices/{id_or_uid}/token"):
        creation = creations[name]
        headers = {"Idempotency-Key": name}
        again = await person.post(creation.url, **creation.options, headers=headers)
        assert again.headers["idempotent-replayed"] == "true"
        assert not [text for text in texts_of(json.loads(again.text)) if text in remembered]
