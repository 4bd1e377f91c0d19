"""Alerts in a browser: a rule is written, a device breaks it, and people look after what it opens."""

import re
from collections.abc import Awaitable, Callable
from uuid import uuid4

from playwright.async_api import expect

from .browsing import Device, Visit, now_ms

_MARKUP = '<img src="x" onerror="window.taken=1">'


async def write_a_rule(visit: Visit, name: str, device: Device) -> None:
    """For the temperature of one device, after a look at how many it is for."""
    page = visit.page
    await visit.sign_in("#/alerts/rules")
    await page.get_by_role("button", name=re.compile("New rule|Write a rule")).first.click()
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_text("Give the rule a name")).to_be_visible()
    await page.get_by_role("textbox", name="Name").fill(name)
    await page.get_by_role("combobox", name="Severity").select_option("critical")
    await page.get_by_role("textbox", name="Metric").fill("oil level")
    await page.get_by_role("textbox", name="Above").fill("30")
    await expect(page.get_by_text("A metric's name:")).to_be_visible()
    await page.get_by_role("textbox", name="Metric").fill("temperature")
    await page.get_by_role("radio", name="a query").check(force=True)
    await page.get_by_role("textbox", name="Query").fill(f'eq(device_uid,"{device.uid}")')
    await page.get_by_role("button", name="Count the devices").click()
    await expect(page.get_by_text("It looks at 1 device now")).to_be_visible()
    await visit.is_sound()
    await page.get_by_role("button", name="Create", exact=True).click()
    await expect(page.get_by_role("row", name=re.compile(name))).to_contain_text("temperature above 30")


async def is_sound_on_a_phone_in_the_dark(small: Visit, name: str) -> None:
    """The list of alerts, one of them, and the rules."""
    page = small.page
    await small.sign_in("#/alerts")
    await expect(page.get_by_role("row", name=re.compile(name))).to_be_visible()
    await small.is_sound()
    await page.get_by_role("row", name=re.compile(name)).get_by_role("link", name=name).click()
    await expect(page.locator(".alert-facts")).to_have_attribute("data-state", "active")
    await small.is_sound()
    await page.goto(f"{small.origin}/#/alerts/rules")
    await expect(page.get_by_role("row", name=re.compile(name))).to_be_visible()
    await small.is_sound()


async def test_a_rule_is_written_and_what_it_opens_is_acknowledged_commented_and_cleared(
    visit: Visit, visits: Callable[..., Awaitable[Visit]], devices: Callable[..., Awaitable[Device]]
):
    device = await devices("Greenhouse")
    page, name = visit.page, f"Too warm {uuid4().hex[:6]}"
    await write_a_rule(visit, name, device)
    await page.get_by_role("link", name="Alerts", exact=True).first.click()
    await device.connect()
    await device.publish({"ts": now_ms(), "metrics": {"temperature": 41.5}})
    row = page.get_by_role("row", name=re.compile(name))
    await expect(row).to_contain_text("temperature 41.5")
    await row.get_by_role("button", name="Acknowledge").click()
    await expect(row).to_have_attribute("data-acknowledged", "true")
    await expect(row.get_by_role("link", name=name)).to_be_focused()
    await visit.is_sound()
    small = await visits(color_scheme="dark", viewport={"width": 390, "height": 844})
    await is_sound_on_a_phone_in_the_dark(small, name)
    await row.get_by_role("link", name=name).click()
    await page.get_by_role("textbox", name="Comment").fill(_MARKUP)
    await page.get_by_role("button", name="Comment").click()
    await expect(page.get_by_role("listitem").filter(has_text=_MARKUP)).to_contain_text("you")
    await visit.is_sound()
    await page.get_by_role("button", name="Clear").click()
    await page.get_by_role("dialog").get_by_role("button", name="Clear").click()
    await expect(page.locator(".alert-facts")).to_have_attribute("data-state", "cleared")

    await page.get_by_role("link", name="Alerts", exact=True).first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Alerts")
    await expect(page.get_by_text("Reading the alerts")).to_have_count(0)
    await expect(page.get_by_role("row", name=re.compile(name))).to_have_count(0)
    await page.get_by_role("link", name="Rules", exact=True).click()
    await page.get_by_role("button", name=f"Silence {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Silence").click()
    row = page.get_by_role("row", name=re.compile(name))
    await expect(row).to_have_attribute("data-silent", "true")
    await row.get_by_role("button", name=f"Remove {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    await expect(row).to_have_count(0)
