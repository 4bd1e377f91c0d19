"""What creates something takes an Idempotency-Key, and creates it once."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ota_service.batch_runs.jobs import BatchSteps
from shared.testing.repeated import Creation, done_twice, unkeyed

SESSION = "/api/v2/device/{uid}/updates/{session_id}"
VERBS = ("ack", "downloading", "flashed", "complete", "fail", "cancelled", "refuse-cancel", "confirm", "deny")
EXCUSED = {
    "moves what is there to a state, where it then is": [
        *(f"POST {SESSION}/{verb}" for verb in VERBS),
        *(f"POST /api/v2/updates/{{session_id}}/{verb}" for verb in ("cancel", "confirm", "deny")),
        *(f"POST /api/v2/updates/batches/{{batch_id}}/{verb}" for verb in ("start", "cancel", "retry")),
        *(f"POST /api/v2/firmware/{{firmware_id}}/{verb}" for verb in ("approve", "withdraw")),
        *(
            f"POST /api/v2/releases/{{release_id}}/{verb}"
            for verb in ("approve", "start", "pause", "resume", "retry", "cancel", "rollback")
        ),
    ],
}
UPLOAD = {"files": {"file": b"image"}, "data": {"name": "edge", "version": "9"}}


@pytest.fixture
async def creations(app, person, add_devices, add_firmware) -> dict[str, Creation]:
    await add_devices("pump-1", "pump-2")
    firmware = (await add_firmware()).id
    order = {"name": "spring", "firmware_id": firmware, "device_ids": ["pump-2"]}
    batch = (await person.post("/api/v2/updates/batches", json=order)).json()["id"]
    await BatchSteps(app.state.scopes)()
    release = {
        "name": "spring",
        "bundle": {"apps": [{"firmware_id": firmware}]},
        "waves": [{"clusters": [{"device_uids": ["pump-2"]}]}],
    }
    changed = {"files": {"file": b"other"}, "data": UPLOAD["data"]}
    return {
        "POST /api/v2/firmware": Creation("/api/v2/firmware", UPLOAD, other=changed),
        "POST /api/v2/updates": Creation(
            "/api/v2/updates", {"json": {"device_uid": "pump-1", "firmware_id": firmware}}
        ),
        "POST /api/v2/updates/batches": Creation("/api/v2/updates/batches", {"json": order}),
        "POST /api/v2/updates/batches/{batch_id}/rollback": Creation(f"/api/v2/updates/batches/{batch}/rollback"),
        "POST /api/v2/releases": Creation("/api/v2/releases", {"json": release}),
    }


async def test_every_post_takes_a_key_or_is_excused(app, creations):
    assert unkeyed(app.openapi(), creations, EXCUSED) == []


async def test_each_is_carried_out_once(person, creations):
    assert await done_twice(person, creations) == []


@pytest.mark.parametrize("path", ["/api/v2/updates/batches", "/api/v2/releases"])
async def test_a_dry_run_is_another_request_than_what_it_tried(person, creations, path):
    body = creations[f"POST {path}"].options
    headers = {"Idempotency-Key": "tried"}
    tried = await person.post(path, params={"dry_run": "true"}, headers=headers, **body)
    assert tried.status_code == 200, tried.text
    done = await person.post(path, headers=headers, **body)
    assert (done.status_code, done.json()["code"]) == (409, "idempotency_key_reused")


async def test_of_an_upload_that_is_answered_again_nothing_is_kept(person, settings, creations):
    creation = creations["POST /api/v2/firmware"]
    headers = {"Idempotency-Key": "upload"}

    def stored():
        return sorted(path for path in Path(urlsplit(settings.firmware_store).path).rglob("*") if path.is_file())

    first = await person.post(creation.url, headers=headers, **creation.options)
    before = stored()
    again = await person.post(creation.url, headers=headers, **creation.options)
    assert (again.status_code, again.json()) == (201, first.json())
    other = await person.post(creation.url, headers=headers, **creation.other)
    assert other.status_code == 409
    assert stored() == before
