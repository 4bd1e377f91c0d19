"""An update that asks for the user's consent: the device confirms or denies it, or has consented beforehand."""

import pytest


@pytest.fixture
def ask(add_devices, add_firmware, person, sql):
    """Opens an update of pump-1 that is held until somebody consents; answers with its session and its action."""

    async def open_update(version="2.0", **terms) -> tuple[str, int]:
        await add_devices("pump-1")
        firmware = await add_firmware(version)
        body = {"device_uid": "pump-1", "firmware_id": firmware.id, "consent": True, **terms}
        answer = await person.post("/api/v2/updates", json=body)
        assert answer.status_code == 202, answer.text
        session_id = answer.json()["session_id"]
        return session_id, await sql.fetchval("select counter from update_sessions where id = $1", session_id)

    return open_update


@pytest.fixture
def decide(target):
    async def say(action, confirmation):
        speaking = target()
        path = f"{speaking.path}/confirmationBase/{action}/feedback"
        return await speaking.http.post(path, json={"confirmation": confirmation, "details": ["by hand"]})

    return say


async def test_a_held_update_waits_for_the_device_to_confirm_it(ask, target, decide, person):
    session_id, action = await ask()
    links = await target().links()
    assert links["confirmationBase"].startswith(f"/confirmationBase/{action}?c=")
    assert "deploymentBase" not in links
    shown = (await target().get(links["confirmationBase"])).json()
    assert (shown["id"], shown["confirmation"]["chunks"][0]["version"]) == (str(action), "2.0")
    for held in (f"/deploymentBase/{action}", f"/softwaremodules/{1}/artifacts/edge.bin"):
        assert (await target().get(held)).status_code == 404
    assert (await target().say(action, "closed", "success")).status_code == 404
    assert (await decide(action, "confirmed")).status_code == 200
    assert "deploymentBase" in await target().links()
    assert (await person.get(f"/api/v2/updates/{session_id}")).json()["state"] == "initiated"
    assert (await decide(action, "confirmed")).status_code == 410
    assert (await target().get(f"/confirmationBase/{action}")).status_code == 404


async def test_what_the_device_denies_has_ended(ask, decide, target, person):
    session_id, action = await ask()
    assert (await decide(action, "perhaps")).status_code == 400
    assert (await decide(action, "denied")).status_code == 200
    assert (await person.get(f"/api/v2/updates/{session_id}")).json()["state"] == "cancelled"
    assert set(await target().links()) == {"configData"}


async def test_a_device_consents_beforehand(ask, target, person):
    first, action = await ask()
    here = target()
    base = f"http://muster.test{here.path}/confirmationBase"
    shown = (await here.get("/confirmationBase")).json()
    assert shown["autoConfirm"] == {"active": False}
    assert shown["_links"]["activateAutoConfirm"] == {"href": f"{base}/activateAutoConfirm"}
    assert shown["_links"]["confirmationBase"]["href"].startswith(f"{base}/{action}?c=")
    assert (await here.http.post(f"{base}/activateAutoConfirm")).status_code == 200
    assert (await person.get(f"/api/v2/updates/{first}")).json()["state"] == "initiated"
    await here.say(action, "closed", "failure")
    await ask("3.0")
    assert "deploymentBase" in await here.links()
    shown = (await here.get("/confirmationBase")).json()
    assert shown == {
        "autoConfirm": {"active": True},
        "_links": {"deactivateAutoConfirm": {"href": f"{base}/deactivateAutoConfirm"}},
    }
    assert (await here.http.post(f"{base}/deactivateAutoConfirm")).status_code == 200
    assert (await here.get("/confirmationBase")).json()["autoConfirm"] == {"active": False}


async def test_a_device_that_has_closed_is_left_alone_while_its_update_soaks(ask, target, person, sql):
    session_id, action = await ask(consent=False, soak_s=60)
    assert (await target().say(action, "closed", "success")).status_code == 200
    assert (await person.get(f"/api/v2/updates/{session_id}")).json()["state"] == "flashed"
    assert set(await target().links()) == {"configData"}
    assert (await target().say(action, "proceeding")).status_code == 410
    await sql.execute("update update_sessions set confirmed_at = confirmed_at - interval '2 minutes'")
    await target().base()
    assert (await person.get(f"/api/v2/updates/{session_id}")).json()["state"] == "completed"
