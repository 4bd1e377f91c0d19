"""Firmware and updates in a browser: uploaded, approved, brought to a device, cancelled and refused.

A device reports on its update step by step, as the test says, or is a simulated one.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import FilePayload, Locator, Route, expect

from muster_stack.stack import Stack
from shared.testing import eventually

from .browsing import Device, Visit

_MARKUP = '<img src="x" onerror="window.taken=1"><b>bold</b>'

Devices = Callable[..., Awaitable[Device]]
Images = Callable[..., Awaitable[dict[str, Any]]]


def file(name: str, content: bytes = b"x" * 300_000) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


@pytest.fixture
def opened(people: httpx.AsyncClient) -> Callable[..., Awaitable[str]]:
    """Begins an update over REST, as soon as ota-service knows the device; its session's id."""

    async def begin(device: Device, image: dict[str, Any]) -> str:
        async def taken() -> str | None:
            answer = await people.post("/api/v2/updates", json={"device_uid": device.uid, "firmware_id": image["id"]})
            return None if answer.status_code == 404 else answer.raise_for_status().json()["session_id"]

        session_id = await eventually(taken)
        assert session_id is not None
        return session_id

    return begin


@pytest.fixture
def newest(people: httpx.AsyncClient) -> Callable[[Device], Awaitable[str]]:
    """The id of a device's newest session."""

    async def of(device: Device) -> str:
        answer = await people.get("/api/v2/updates", params={"device_uid": device.uid})
        return answer.raise_for_status().json()["items"][0]["session_id"]

    return of


def panel(visit: Visit) -> Locator:
    return visit.page.locator("section.updates")


async def choose_and_start(visit: Visit, image: dict[str, Any]) -> None:
    await visit.page.get_by_role("button", name="Update", exact=True).click()
    await visit.page.get_by_role("radio", name=image["name"]).check()
    await visit.page.get_by_role("button", name="Start the update").click()


async def test_an_image_is_uploaded_approved_and_brought_to_a_device_while_people_watch(
    visits: Callable[..., Any], devices: Devices, newest: Callable[[Device], Awaitable[str]]
):
    device = await devices("Pump house", hardware_version="rev-a")
    name = f"pump-x{uuid4().hex[:8]}"
    visit, fleet = await visits(), await visits()
    await visit.sign_in("#/firmware")
    await visit.page.get_by_label("File").set_input_files(file(f"{name}-2.0.1.bin"))
    await expect(visit.page.get_by_label("Name")).to_have_value(name)
    await expect(visit.page.get_by_label("Version")).to_have_value("2.0.1")
    await visit.page.get_by_label("For hardware").fill("rev-a, rev-b")
    await visit.page.get_by_role("button", name="Upload").click()
    await expect(visit.page.get_by_role("status").filter(has_text="Approve it")).to_be_visible()
    await visit.page.get_by_role("button", name=f"Approve {name} 2.0.1").click()
    await visit.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    await expect(visit.page.locator("tr", has_text=name)).to_have_attribute("data-state", "approved")
    await expect(visit.page.locator("tr", has_text=name)).to_contain_text("rev-a, rev-b")

    await fleet.sign_in()
    await fleet.shown_in_fleet(device)
    await visit.page.goto(f"{visit.origin}/#/devices/{device.uid}")
    await expect(panel(visit)).to_contain_text("No update yet")
    await choose_and_start(visit, {"name": name})
    await expect(panel(visit)).to_have_attribute("data-state", "initiated")
    await expect(panel(visit)).to_contain_text("times out in 6 d")
    await expect(visit.page.get_by_role("dialog")).to_have_count(0)
    await expect(visit.page.get_by_role("button", name="Update", exact=True)).to_be_disabled()
    session_id = await newest(device)
    await fleet.page.evaluate("() => { window.kept = true }")
    await visit.page.evaluate("() => { window.kept = true }")

    for verb, state, said in (
        ("ack", "acknowledged", {}),
        ("downloading", "downloading", {"progress": 40}),
        ("downloading", "downloading", {"progress": 90}),
        ("flashed", "flashed", {}),
        ("complete", "completed", {}),
    ):
        assert await device.report(session_id, verb, **said) == 200
        await expect(panel(visit)).to_have_attribute("data-state", state)
        await expect(fleet.row(device)).to_have_attribute("data-update", state)
        if said:
            await expect(panel(visit)).to_have_attribute("data-progress", str(said["progress"]))
            await expect(fleet.row(device)).to_contain_text(f"downloading {said['progress']} %")
    await expect(fleet.row(device)).to_have_attribute("data-version", "2.0.1")
    await expect(panel(visit)).to_contain_text("Runs 2.0.1")
    await expect(visit.page.locator(".facts")).to_contain_text("2.0.1")
    await expect(panel(visit).locator(".steps li.done")).to_have_count(5)
    for each in (visit, fleet):
        assert await each.page.evaluate("() => window.kept") is True
    await visit.page.reload()
    await expect(panel(visit).locator(f'[data-session="{session_id}"]')).to_have_attribute("data-state", "completed")
    await expect(panel(visit)).to_contain_text("Runs 2.0.1")


async def test_a_simulated_device_is_updated_from_its_page_without_a_reload(
    visit: Visit, stack: Stack, image: Images, people: httpx.AsyncClient
):
    prefix = f"shown{uuid4().hex[:6]}"
    uid = f"{prefix}-0001"
    firmware = await image("5.0.0")
    command = ("simulate", "--json", "--stack", str(stack.layout.root), "--prefix", prefix, "--devices", "1")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "muster",
        *command,
        "--link-speed",
        "8",
        "--account-within",
        "0",
        stdout=pipe,
        stderr=pipe,
    )
    try:

        async def is_online() -> bool:
            answer = await people.get("/api/v2/presence", params={"device_uid": uid})
            return answer.is_success and answer.json()["items"][0]["online"]

        await eventually(is_online)
        await visit.sign_in(f"#/devices/{uid}")
        await choose_and_start(visit, firmware)
        await visit.page.evaluate("() => { window.kept = true }")
        await expect(panel(visit)).to_have_attribute("data-state", "downloading")
        await expect(panel(visit)).to_have_attribute("data-state", "completed")
        await expect(panel(visit)).to_contain_text("Runs 5.0.0")
        assert await visit.page.evaluate("() => window.kept") is True
    finally:
        process.terminate()
        await process.communicate()
    device = (await people.get(f"/api/v2/devices/{uid}")).raise_for_status().json()
    assert device["firmware_version"] == "5.0.0"


async def test_an_update_is_cancelled_after_a_question_and_what_comes_late_is_in_its_reports(
    visit: Visit, devices: Devices, image: Images, opened: Callable[..., Awaitable[str]]
):
    device = await devices("Cold store")
    session_id = await opened(device, await image("3.0.0"))
    await visit.sign_in(f"#/devices/{device.uid}")
    assert await device.report(session_id, "ack") == 200
    await expect(panel(visit)).to_have_attribute("data-state", "acknowledged")
    cancel = visit.page.get_by_role("button", name="Cancel update")
    await cancel.click()
    await expect(visit.page.get_by_role("button", name="Let it go on")).to_be_focused()
    await visit.page.keyboard.press("Escape")
    await expect(cancel).to_be_focused()
    await expect(panel(visit)).to_have_attribute("data-state", "acknowledged")
    await cancel.click()
    await visit.page.get_by_role("button", name="Cancel the update").click()
    await expect(panel(visit)).to_have_attribute("data-state", "cancelling")
    await expect(visit.page.get_by_role("dialog")).to_have_count(0)
    assert await device.report(session_id, "downloading") == 409
    assert await device.report(session_id, "cancelled") == 200
    await expect(panel(visit)).to_have_attribute("data-state", "cancelled")
    await expect(visit.page.get_by_role("button", name="Update", exact=True)).to_be_enabled()
    await visit.page.reload()
    await panel(visit).get_by_text("Reports", exact=True).click()
    await expect(panel(visit).locator("details li", has_text="refused")).to_contain_text("downloading")


async def test_why_an_update_failed_is_said_as_text(
    visit: Visit, devices: Devices, image: Images, opened: Callable[..., Awaitable[str]]
):
    device = await devices("Boiler room")
    session_id = await opened(device, await image("3.0.0"))
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(panel(visit)).to_have_attribute("data-state", "initiated")
    assert await device.report(session_id, "fail", error=f"no space left {_MARKUP}") == 200
    await expect(panel(visit).locator(".notice")).to_contain_text(f"no space left {_MARKUP}")
    await visit.page.goto(f"{visit.origin}/#/fleet")
    await visit.shown_in_fleet(device)
    await expect(visit.row(device)).to_contain_text("update failed")
    await visit.link(device).click()
    await expect(panel(visit).locator(".past .reason")).to_have_text(f"no space left {_MARKUP}")
    assert await visit.page.evaluate("() => window.taken") is None
    assert await visit.page.locator("img, b").count() == 0


async def test_an_upload_that_is_refused_says_why_and_can_be_repaired(visit: Visit, image: Images):
    visit.expected.append("/api/v2/firmware")
    there = await image("1.0.0")
    await visit.sign_in("#/firmware")
    form = visit.page.locator("form")

    async def upload(name: str, version: str, content: FilePayload) -> None:
        await visit.page.get_by_label("File").set_input_files(content)
        await visit.page.get_by_label("Name").fill(name)
        await visit.page.get_by_label("Version").fill(version)
        await visit.page.get_by_role("button", name="Upload").click()

    await upload(there["name"], "1.0.0", file("other.bin"))
    await expect(form.get_by_role("alert")).to_contain_text("upload it under a new version")
    await expect(visit.page.get_by_label("Name")).to_have_value(there["name"])
    await upload(_MARKUP, "1.0.0", file("other.bin"))
    await expect(form.get_by_role("alert")).to_contain_text("The name:")
    await expect(visit.page.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    await upload(there["name"], "1.0.1", file("other.bin", b""))
    await expect(form.get_by_role("alert")).to_contain_text("The file is empty.")
    await upload(there["name"], "1.0.1", file("other.bin"))
    await expect(form.get_by_role("status")).to_contain_text("1.0.1 is there")
    await expect(form.locator(".notice.alarm")).to_have_count(0)
    await expect(visit.page.get_by_label("Name")).to_have_value("")


async def test_an_upload_shows_how_far_it_is_and_can_be_cancelled(visit: Visit, people: httpx.AsyncClient):
    name = f"slow-x{uuid4().hex[:8]}"
    await visit.sign_in("#/firmware")
    await visit.page.get_by_label("File").set_input_files(file(f"{name}-1.bin", b"x" * 4_000_000))
    network = await visit.page.context.new_cdp_session(visit.page)
    slowly = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000}
    await network.send("Network.enable")
    await network.send("Network.emulateNetworkConditions", slowly)
    await visit.page.get_by_role("button", name="Upload").click()

    async def is_under_way() -> bool:
        return 0 < await visit.number(".sending", "data-percent") < 100

    await eventually(is_under_way)
    await expect(visit.page.get_by_label("Name")).to_be_disabled()
    await visit.page.get_by_role("button", name="Cancel the upload").click()
    await expect(visit.page.get_by_role("button", name="Upload", exact=True)).to_be_visible()
    await expect(visit.page.get_by_label("Name")).to_have_value(name)
    listed = (await people.get("/api/v2/firmware", params={"limit": 500})).raise_for_status().json()["items"]
    assert name not in {one["name"] for one in listed}


async def test_only_approved_images_that_fit_are_offered_and_a_second_update_is_refused(
    visit: Visit, devices: Devices, image: Images, opened: Callable[..., Awaitable[str]]
):
    visit.expected.append("/api/v2/updates")
    device = await devices("Silo", hardware_version="rev-a")
    fits, unapproved, other = [
        await image("1.0.0", hardware="rev-a"),
        await image("1.0.0", approved=False),
        await image("1.0.0", hardware="rev-z"),
    ]
    await visit.sign_in(f"#/devices/{device.uid}")
    await visit.page.get_by_role("button", name="Update", exact=True).click()
    await visit.page.get_by_role("radio", name=fits["name"]).check()
    for hidden in (unapproved, other):
        await expect(visit.page.get_by_role("radio", name=hidden["name"])).to_have_count(0)
    await opened(device, fits)
    await visit.page.get_by_role("button", name="Start the update").click()
    await expect(visit.page.get_by_role("dialog").get_by_role("alert")).to_contain_text("being updated already")


async def test_an_uploader_is_not_one_of_several_who_approve_and_what_is_withdrawn_is_offered_no_more(
    visit: Visit, devices: Devices, image: Images, people: httpx.AsyncClient
):
    device = await devices("Weir", hardware_version="rev-a")
    waiting, withdrawn = await image("1.0.0", approved=False), await image("2.0.0", hardware="rev-a")
    (await people.put("/api/v2/firmware/policy", json={"approvals": 3})).raise_for_status()
    try:
        answer = await people.post(f"/api/v2/firmware/{waiting['id']}/approve")
        assert answer.json()["code"] == "approval_not_counted"
        visit.expected.append(f"/api/v2/firmware/{waiting['id']}/approve")
        await visit.sign_in("#/firmware")
        await visit.page.get_by_role("button", name=f"Approve {waiting['name']}").click()
        await visit.page.get_by_role("dialog").get_by_role("button", name="Approve").click()
        await expect(visit.page.get_by_role("dialog").get_by_role("alert")).to_contain_text("3 people must approve")
        await visit.page.get_by_role("button", name="Not yet").click()
    finally:
        (await people.put("/api/v2/firmware/policy", json={"approvals": 1})).raise_for_status()
    await visit.page.get_by_role("button", name=f"Withdraw {withdrawn['name']}").click()
    dialog = visit.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Withdraw").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Say why")
    await dialog.get_by_label("Why").fill(f"bricks boards {_MARKUP}")
    await dialog.get_by_role("button", name="Withdraw").click()
    row = visit.page.locator("tr", has_text=withdrawn["name"])
    await expect(row).to_have_attribute("data-state", "withdrawn")
    await expect(row).to_contain_text(_MARKUP)
    await visit.page.goto(f"{visit.origin}/#/devices/{device.uid}")
    await visit.page.get_by_role("button", name="Update", exact=True).click()
    await expect(visit.page.get_by_role("radio", name=withdrawn["name"])).to_have_count(0)


async def test_who_may_only_look_is_offered_nothing_to_do(
    visit: Visit, devices: Devices, image: Images, opened: Callable[..., Awaitable[str]]
):
    device = await devices("Greenhouse")
    unapproved = await image("1.0.0", approved=False)
    await opened(device, await image("2.0.0"))

    async def looks_only(route: Route) -> None:
        me = await (await route.fetch()).json()
        await route.fulfill(json={**me, "scopes": ["devices:read", "telemetry:read", "updates:read"]})

    await visit.page.route("**/api/v2/auth/me", looks_only)
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(panel(visit)).to_have_attribute("data-state", "initiated")
    await expect(panel(visit).get_by_role("button")).to_have_text(["Why was it not updated?"])
    await visit.page.get_by_role("link", name="Firmware").click()
    await expect(visit.page.locator("tr", has_text=unapproved["name"])).to_contain_text("waits for approval")
    await expect(visit.page.locator("form")).to_have_count(0)


async def test_while_the_live_connection_is_away_the_update_is_followed_over_rest(
    visit: Visit, devices: Devices, image: Images, opened: Callable[..., Awaitable[str]], stack: Stack
):
    visit.expected += ["/socket.io/", "/api/v2/"]
    device = await devices("Loading dock")
    session_id = await opened(device, await image("4.0.0"))
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(panel(visit)).to_have_attribute("data-state", "initiated")
    stack.kill("monitoring-api")
    try:
        assert await device.report(session_id, "ack") == 200
        await expect(panel(visit)).to_have_attribute("data-state", "acknowledged")
        for verb in ("downloading", "flashed", "complete"):
            assert await device.report(session_id, verb) == 200
    finally:
        await asyncio.to_thread(stack.start, "monitoring-api")
    await expect(panel(visit)).to_have_attribute("data-state", "completed")
    await expect(panel(visit)).to_contain_text("Runs 4.0.0")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
async def test_every_state_of_an_update_is_accessible_and_fits(
    visits: Callable[..., Any],
    devices: Devices,
    image: Images,
    opened: Callable[..., Awaitable[str]],
    scheme: str,
    width: int,
):
    device = await devices("Pump 1")
    there, waiting = await image("1.0.0"), await image("1.0.1", approved=False)
    failed = await opened(device, there)
    assert await device.report(failed, "fail", error="x" * 200) == 200
    session_id = await opened(device, there)
    for verb in ("ack", "downloading"):
        assert await device.report(session_id, verb, progress=30) == 200
    visit: Visit = await visits(color_scheme=scheme, viewport={"width": width, "height": 844})
    await visit.sign_in()
    await visit.shown_in_fleet(device)
    await expect(visit.row(device)).to_have_attribute("data-update", "downloading")
    await visit.is_sound()
    await visit.page.goto(f"{visit.origin}/#/devices/{device.uid}")
    await panel(visit).get_by_text("Reports", exact=True).click()
    await visit.page.get_by_role("button", name="Cancel update").click()
    await visit.is_sound()
    await visit.page.keyboard.press("Escape")
    assert await device.report(session_id, "flashed") == 200
    assert await device.report(session_id, "complete") == 200
    await visit.page.get_by_role("button", name="Update", exact=True).click()
    await expect(visit.page.get_by_role("radio", name=there["name"])).to_be_visible()
    await visit.is_sound()
    await visit.page.keyboard.press("Escape")
    await visit.page.goto(f"{visit.origin}/#/firmware")
    await visit.page.get_by_role("button", name=f"Approve {waiting['name']}").click()
    await visit.is_sound()
    await visit.page.keyboard.press("Escape")
    await visit.is_sound()
