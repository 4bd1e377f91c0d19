"""Several firmware in one session, and what devices have of each."""

import json

import pytest

from ota_service.manifests.errors import FloorUnknown
from ota_service.sessions.schemas import Terms
from ota_service.sessions.service import SessionService

from . import ledger
from .test_api import PATH, code


@pytest.fixture
def start(person):
    async def post(*firmware, uid="pump-1", **terms):
        body = {"device_uid": uid, "firmware_ids": [one.id for one in firmware], **terms}
        return await person.post("/api/v2/updates", json=body)

    return post


@pytest.fixture
def carry_out(start, device):
    """An update from its opening to the last of `path`."""

    async def through(*firmware, uid="pump-1", path=PATH, **terms):
        answer = await start(*firmware, uid=uid, **terms)
        assert answer.status_code == 202, answer.text
        for verb in path:
            assert (await device(uid).say(answer.json()["session_id"], verb)).status_code == 200
        return answer.json()["session_id"]

    return through


async def test_the_parts_of_a_bundle_are_offered_signed_and_served_in_their_order(
    add_devices, add_firmware, start, device, person
):
    await add_devices("pump-1")
    boot = await add_firmware("1.1", name="boot", image=b"boot")
    edge = await add_firmware("2.0", image=b"edge" * 9)
    answer = (await start(boot, edge)).json()
    assert (answer["firmware_id"], answer["firmware_name"], answer["firmware_version"]) == (boot.id, "boot", "1.1")
    [offer] = (await device().waiting()).json()["items"]
    manifest = json.loads(offer["manifest"])
    assert [(part["name"], part["sha256"]) for part in manifest["parts"]] == [
        ("boot", boot.sha256),
        ("edge", edge.sha256),
    ]
    assert (manifest["name"], manifest["sha256"]) == ("boot", boot.sha256)
    files = [(await device().http.get(path)).content for path in [*offer["downloads"], offer["download"]]]
    assert files == [b"boot", b"edge" * 9, b"boot"]
    base = offer["download"].removesuffix("/file")
    for position in [0, 3, 10**30]:
        assert code(await device().http.get(f"{base}/files/{position}")) == (404, "update_part_not_found")
    assert (await device().http.head(f"{base}/files/2")).headers["etag"] == f'"{edge.sha256}"'
    detail = (await person.get(f"/api/v2/updates/{answer['session_id']}")).json()
    assert [(part["position"], part["firmware_id"]) for part in detail["parts"]] == [(1, boot.id), (2, edge.id)]


async def test_a_bundle_has_one_version_of_each_firmware(add_devices, add_firmware, start):
    await add_devices("pump-1")
    assert code(await start(await add_firmware("1.1"), await add_firmware("1.2"))) == (422, "firmware_named_twice")
    same = await add_firmware("1.3")
    assert code(await start(same, same)) == (422, "firmware_named_twice")


async def test_all_of_a_bundle_must_be_approved_and_the_callers_own(add_devices, add_firmware, start):
    await add_devices("pump-1")
    good = await add_firmware("1.0", name="boot")
    raw, foreign = await add_firmware("2.0", approved=False), await add_firmware("2.0", organization_id=2)
    assert code(await start(good, raw)) == (409, "firmware_not_approved")
    assert code(await start(good, foreign)) == (404, "firmware_not_found")


async def test_what_is_on_a_device_is_known_from_its_updates(add_devices, add_firmware, carry_out, start, person):
    await add_devices("pump-1")
    boot, first, second = (
        await add_firmware("1.0", name="boot"),
        await add_firmware("1.9"),
        await add_firmware("2.0"),
    )
    await carry_out(boot, first)
    session_id = await carry_out(second)
    parts = (await person.get(f"/api/v2/updates/{session_id}")).json()["parts"]
    assert [part["previous_firmware_id"] for part in parts] == [first.id]
    refused = await start(first)
    assert (*code(refused), refused.json()["reason"]) == (409, "device_not_updatable", "older_release")
    assert (await start(second)).json()["reason"] == "already_installed"
    assert (await start(boot)).json()["reason"] == "already_installed"
    session_id = await carry_out(boot, first, force=True)
    parts = (await person.get(f"/api/v2/updates/{session_id}")).json()["parts"]
    assert [part["previous_firmware_id"] for part in parts] == [boot.id, second.id]
    assert (await start(second)).status_code == 202


async def test_what_was_installed_and_failed_may_be_tried_again_and_is_nothing_to_go_back_to(
    add_devices, add_firmware, carry_out, start, person
):
    await add_devices("pump-1")
    good, bad, next_one = [await add_firmware(version) for version in ("1.9", "2.0", "2.1")]
    await carry_out(good)
    await carry_out(bad, path=["ack", "downloading", "flashed", "fail"])
    assert (await start(good)).json()["reason"] == "older_release"
    again = await carry_out(bad, path=["fail"])
    other = await carry_out(next_one, path=["fail"])
    for session_id in (again, other):
        [part] = (await person.get(f"/api/v2/updates/{session_id}")).json()["parts"]
        assert part["previous_firmware_id"] == good.id


async def test_a_device_that_no_update_has_reached_has_what_it_says(add_devices, add_firmware, start, person):
    await add_devices("pump-1", "pump-2", firmware_version="2.0")
    old, same, new = [await add_firmware(version) for version in ("1.0", "2.0", "3.0")]
    assert (await start(old)).json()["reason"] == "older_release"
    assert (await start(same)).json()["reason"] == "already_installed"
    session_id = (await start(new)).json()["session_id"]
    [part] = (await person.get(f"/api/v2/updates/{session_id}")).json()["parts"]
    assert part["previous_firmware_id"] == same.id


async def test_a_version_that_firmware_of_another_name_has_too_says_nothing_of_what_a_device_runs(
    add_devices, add_firmware, start
):
    await add_devices("pump-1", firmware_version="1.0")
    await add_firmware("1.0", name="os")
    modem = await add_firmware("1.0", name="modem")
    assert (await start(modem)).status_code == 202


async def test_another_devices_installations_and_anothers_organization_are_no_obstacle(
    add_devices, add_firmware, carry_out, start
):
    await add_devices("pump-1", "pump-2")
    firmware = await add_firmware()
    await carry_out(firmware)
    assert (await start(firmware, uid="pump-2")).status_code == 202


async def test_a_floor_is_a_version_that_the_device_must_run_already(
    app, add_devices, add_firmware, carry_out, person, sql
):
    await add_devices("pump-1", "pump-2", firmware_version=None)
    boots = [await add_firmware(version, name="boot") for version in ("1.0", "1.1", "1.2")]
    edge = await add_firmware()
    await carry_out(boots[2])
    await carry_out(boots[0], uid="pump-2")

    async def reasons(**floors):
        async with app.state.scopes() as scope:
            terms = Terms((edge.id,), floors=floors)
            answers = await scope.get(SessionService).open_many(1, "7", ["pump-1", "pump-2"], terms)
        return [answer.reason for answer in answers]

    with pytest.raises(FloorUnknown):
        await reasons(boot="9.9")
    assert await reasons(boot="1.1") == [None, "below_floor"]
    body = {"device_uid": "pump-2", "firmware_id": edge.id, "force": True}
    unknown = await person.post("/api/v2/updates", json=body | {"floors": {"boot": "9.9"}})
    assert (unknown.status_code, unknown.json()["code"]) == (FloorUnknown.status, FloorUnknown.code)
    below = await person.post("/api/v2/updates", json=body | {"floors": {"boot": "1.1"}})
    assert (below.status_code, below.json()["reason"]) == (409, "below_floor")
    await ledger.check(sql)
