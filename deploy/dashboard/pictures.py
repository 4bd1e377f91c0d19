#!/usr/bin/env python3
"""The pictures of the dashboard in docs/images, taken from a running stack with a simulated fleet:
`.venv/bin/python deploy/dashboard/pictures.py .local/stack.json`.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright

from muster_stack.programs import CHROMIUM, require

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PAINTED_MS = 1_500
"""Rows and charts paint what they just received."""


async def take(page: Page, info: dict[str, Any]) -> None:
    """The fleet, and its first device that is online."""
    await page.goto(info["dashboard"])
    await page.get_by_label("Email").fill(info["admin"]["email"])
    await page.get_by_label("Password").fill(info["admin"]["password"])
    await page.get_by_role("button", name="Sign in").click()
    online = page.locator('tr[data-online="true"]').first
    await online.wait_for()
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(60_000)  # the minute of traffic that the fleet's figures show
    await page.screenshot(path=IMAGES / "fleet.png")
    await online.get_by_role("link").click()
    await page.locator(".metric-chart").first.wait_for()
    await page.wait_for_timeout(PAINTED_MS)
    await page.screenshot(path=IMAGES / "device.png")


async def main(info: dict[str, Any]) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=require(CHROMIUM), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1360, "height": 860}, color_scheme="light")
        await take(page, info)
        await browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
