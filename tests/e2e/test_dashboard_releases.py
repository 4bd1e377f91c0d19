"""Releases, batches and sites in a browser: drawn up, followed, stopped and taken back."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Locator, WebSocketRoute, expect

from shared.testing import eventually

from .browsing import Device, Visit

_MARKUP = '<img src="x" onerror="window.taken=1">'

Devices = Callable[..., Awaitable[Device]]
Images = Callable[..., Awaitable[dict[str, Any]]]
Reports = Callable[..., Awaitable[None]]


@pytest.fixture
def updatable(devices: Devices, people: httpx.AsyncClient) -> Devices:
    """A device that ota-service knows of."""

    async def register(name: str, **described: Any) -> Device:
        device = await devices(name, **described)

        async def known() -> bool:
            return (await people.get(f"/api/v2/fleet/{device.uid}")).is_success

        await eventually(known)
        return device

    return register


@pytest.fixture
def offered(people: httpx.AsyncClient) -> Callable[..., Awaitable[Device]]:
    """Of some devices the one whose update has just begun."""

    async def first(*devices: Device) -> Device:
        async def begun() -> Device | None:
            for device in devices:
                answer = await people.get("/api/v2/updates", params={"device_uid": device.uid, "limit": 1})
                if any(session["state"] == "initiated" for session in answer.raise_for_status().json()["items"]):
                    return device
            return None

        found = await eventually(begun)
        assert found is not None
        return found

    return first


@pytest.fixture
def reported(people: httpx.AsyncClient, offered: Callable[..., Awaitable[Device]]) -> Reports:
    """The device reports on the update that has begun, verb by verb."""

    async def report(device: Device, *verbs: str) -> None:
        await offered(device)
        answer = await people.get("/api/v2/updates", params={"device_uid": device.uid, "limit": 1})
        session_id = answer.raise_for_status().json()["items"][0]["session_id"]
        for verb in verbs:
            said = {"error": _MARKUP} if verb == "fail" else {}
            assert await device.report(session_id, verb, **said) == 200

    return report


def wave(visit: Visit, number: int) -> Locator:
    """A wave's line in the tree."""
    return visit.page.get_by_role("row", name=re.compile(f"^Wave {number}"))


def overall(visit: Visit) -> Locator:
    """What the page of a release or batch is about."""
    return visit.page.locator(".overall")


async def go_on(visit: Visit) -> None:
    await visit.page.get_by_role("button", name="Next").click()


async def confirm(visit: Visit, button: str, says: str) -> None:
    """Does what a button is for, after a look at what it comes to."""
    await visit.page.get_by_role("button", name=button, exact=True).click()
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog).to_contain_text(says)
    await dialog.get_by_role("button", name=button, exact=True).click()
    await expect(dialog).to_have_count(0)


async def draw_up(visit: Visit, firmware: dict[str, Any], named: list[Device], queried: Device) -> str:
    """A release in two waves for the named devices, and for one more that a query finds; its name."""
    page, name = visit.page, f"Spring {uuid4().hex[:6]}"
    await visit.sign_in("#/releases")
    await page.get_by_role("link", name="New release").click()
    await go_on(visit)
    await expect(page.get_by_text("Choose at least one firmware")).to_be_visible()
    await page.get_by_role("checkbox", name=firmware["name"]).check()
    await go_on(visit)
    await page.get_by_role("radio", name="by uid").check(force=True)
    await page.get_by_role("textbox", name="Uids").fill(", ".join(device.uid for device in named))
    await page.get_by_role("button", name="Add a cluster").click()
    await page.get_by_role("textbox", name="Query").fill(f'eq(device_uid,"{queried.uid}")')
    await expect(page.get_by_text("3 devices in 3 waves")).to_be_visible()
    await visit.is_sound()
    await go_on(visit)
    await page.get_by_role("button", name="10, 90").click()
    await page.get_by_role("textbox", name="Soak before the next").fill("0")
    await go_on(visit)
    await go_on(visit)
    await expect(page.locator(".outcome-of")).to_have_attribute("data-devices", "3")
    await expect(page.get_by_role("list", name="Obstacles")).to_contain_text("1 device: with updates disabled")
    await page.get_by_role("button", name="Create and start").click()
    await expect(page.get_by_text("Give the release a name")).to_be_visible()
    await visit.is_sound()
    await page.get_by_role("textbox", name="Name").fill(name)
    await page.get_by_role("button", name="Create and start").click()
    return name


async def walk_the_tree(visit: Visit) -> None:
    """With the keyboard alone, from the first wave to an app and back."""
    page = visit.page
    await wave(visit, 1).focus()
    await page.keyboard.press("End")
    await page.keyboard.press("Home")
    if await wave(visit, 1).get_attribute("aria-expanded") == "false":
        await page.keyboard.press("ArrowRight")
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight"):
        await page.keyboard.press(key)
    focused = page.locator("[role=row]:focus")
    await expect(focused).to_have_attribute("aria-level", "4")
    await expect(focused).to_contain_text("2.0.0")
    for _ in range(3):
        await page.keyboard.press("ArrowLeft")
    await expect(focused).to_have_attribute("aria-level", "2")


async def test_a_release_is_drawn_up_followed_stopped_and_taken_back(
    visits: Callable[..., Any],
    updatable: Devices,
    image: Images,
    offered: Callable[..., Awaitable[Device]],
    reported: Reports,
):
    pumps = [await updatable("Pump one"), await updatable("Pump two")]
    closed = await updatable("Pump three", updates_enabled=False)
    visit: Visit = await visits()
    page = visit.page
    name = await draw_up(visit, await image("2.0.0"), pumps, closed)
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await expect(overall(visit)).to_have_attribute("data-state", "running")
    await page.evaluate("() => { window.kept = true }")
    first = await offered(*pumps)
    [second] = [device for device in pumps if device is not first]
    await expect(wave(visit, 1)).to_contain_text("1 under way, 1 left out")
    await confirm(visit, "Pause", "1 device that has begun will finish")
    await expect(overall(visit)).to_have_attribute("data-state", "paused")
    await confirm(visit, "Resume", "goes on with the 1 device")
    await reported(first, "ack", "downloading", "flashed", "complete")
    await expect(wave(visit, 1)).to_have_attribute("data-state", "completed")
    await reported(second, "ack", "fail")
    await expect(overall(visit)).to_have_attribute("data-state", "paused")
    await expect(page.get_by_text("its failure threshold is 10 percent").first).to_be_visible()
    assert await page.evaluate("() => window.kept") is True

    await walk_the_tree(visit)
    await page.get_by_role("textbox", name="The device's uid").fill(second.uid)
    await page.get_by_role("button", name="Ask").click()
    await expect(page.locator(".explained")).to_have_attribute("data-reason", "failed")
    await expect(page.locator(".explained")).to_contain_text(_MARKUP)
    small: Visit = await visits(color_scheme="dark", viewport={"width": 390, "height": 844})
    await small.sign_in(f"#{page.url.partition('#')[2]}?why={closed.uid}")
    await expect(small.page.locator(".explained")).to_have_attribute("data-reason", "updates_disabled")
    await small.is_sound()
    await small.page.goto(f"{small.origin}/#/devices/{closed.uid}")
    await small.page.get_by_role("button", name="Why was it not updated?").click()
    await expect(small.page.locator(".explained")).to_have_attribute("data-reason", "updates_disabled")
    await small.is_sound()
    await small.page.locator(".explained").get_by_role("link").click()
    await expect(small.page.get_by_role("heading", level=1)).to_have_text(name)
    await confirm(visit, "Roll back", "1 device that has what it brought goes back")
    for each in (visit, small):
        await expect(overall(each)).to_have_attribute("data-state", re.compile("roll"))
    await page.get_by_role("link", name="Releases").last.click()
    await expect(page.get_by_role("row", name=re.compile(name))).to_contain_text("roll")
    await visit.is_sound()


async def test_a_batch_is_made_after_a_look_at_what_it_comes_to_and_is_taken_back(
    visit: Visit, updatable: Devices, image: Images, reported: Reports
):
    device, firmware = await updatable("Conveyor"), await image("7.0.0")
    page, name = visit.page, f"Night shift {uuid4().hex[:6]}"
    await visit.sign_in("#/releases/batches")
    await page.get_by_role("button", name="New batch").click()
    await page.get_by_role("textbox", name="Name").fill(name)
    await page.get_by_role("combobox", name="Firmware").select_option(label=f"{firmware['name']} 7.0.0")
    await page.get_by_role("radio", name="by uid").check(force=True)
    await page.get_by_role("textbox", name="Uids").fill(f"{device.uid} nobody")
    await page.get_by_role("button", name="See what it comes to").click()
    await expect(page.get_by_role("dialog")).to_contain_text("1 device: not known")
    await visit.is_sound()
    await page.get_by_role("button", name="Update 1 device").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await reported(device, "ack", "downloading", "flashed", "complete")
    await expect(overall(visit)).to_have_attribute("data-state", "completed")
    line = page.locator(f'[data-device="{device.uid}"]')
    await expect(line).to_have_attribute("data-state", "succeeded")
    await visit.is_sound()
    await confirm(visit, "Roll back", "exactly the 1 device")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Rollback of {name}")


async def test_what_is_not_heard_of_a_batch_is_seen_all_the_same(
    visit: Visit, people: httpx.AsyncClient, updatable: Devices, image: Images, reported: Reports
):
    device, firmware = await updatable("Crane"), await image("7.1.0")
    body = {"name": device.uid, "firmware_id": firmware["id"], "device_ids": [device.uid]}
    batch = (await people.post("/api/v2/updates/batches", json=body)).raise_for_status().json()

    def unheard(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda said: None if '"batch"' in str(said) else socket.send(said))

    await visit.page.clock.install()
    await visit.page.route_web_socket(re.compile("/socket.io/"), unheard)
    await visit.sign_in(f"#/releases/batches/{batch['id']}")
    await expect(overall(visit)).to_have_attribute("data-state", "in_progress")
    await expect(visit.page.locator(".live-state")).to_have_attribute("data-live", "live")
    await reported(device, "ack", "downloading", "flashed", "complete")

    async def completed() -> bool:
        answer = await people.get(f"/api/v2/updates/batches/{batch['id']}")
        return answer.raise_for_status().json()["state"] == "completed"

    await eventually(completed)
    await visit.page.clock.fast_forward(20_000)
    await expect(overall(visit)).to_have_attribute("data-state", "completed")
    await visit.page.clock.fast_forward(2_000)
    await expect(visit.page.locator(f'[data-device="{device.uid}"]')).to_have_attribute("data-state", "succeeded")


async def test_a_site_is_kept_and_its_password_goes_in_and_never_out(visit: Visit):
    page, name = visit.page, f"Plant {uuid4().hex[:6]}"
    row = page.get_by_role("row", name=re.compile(name))
    await visit.sign_in("#/sites")
    await page.get_by_role("button", name=re.compile("New site")).click()
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_text("Give the site a name")).to_be_visible()
    await page.get_by_role("textbox", name="Name", exact=True).fill(name)
    visit.expected.append("/api/v2/sites")
    await page.get_by_role("textbox", name="Host").fill("http://plant")
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_text("A host name or an address")).to_be_visible()
    await expect(page.get_by_text("expected shape")).to_have_count(0)
    await page.get_by_role("textbox", name="Host").fill("127.0.0.1")
    await page.get_by_role("textbox", name="Port").fill("1")
    await page.get_by_role("textbox", name="Password").fill("not-to-be-seen")
    await visit.is_sound()
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(row).to_have_attribute("data-link", re.compile("unreachable|forbidden"))
    await row.get_by_role("button", name=f"Edit {name}").click()
    await expect(page.get_by_role("textbox", name="Password")).to_have_attribute("placeholder", "unchanged")
    assert "not-to-be-seen" not in await page.content()
    await page.get_by_role("textbox", name="Description").fill(_MARKUP)
    await page.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text(_MARKUP)
    await row.get_by_role("button", name=f"Disable {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    await expect(row).to_have_attribute("data-link", "disabled")
    await visit.is_sound()
    await row.get_by_role("button", name=f"Remove {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
