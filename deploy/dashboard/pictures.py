#!/usr/bin/env python3
"""The pictures of the dashboard in docs/images: a running stack, while a part of its simulated fleet is updated.

The devices' link is slow, so that a download is seen: `.venv/bin/muster simulate --devices 25 --link-speed 40`, and
then `.venv/bin/python deploy/dashboard/pictures.py .local/stack.json`.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import Page, async_playwright

from muster_stack.programs import CHROMIUM, require

IMAGES = Path(__file__).parents[2] / "docs" / "images"
PAINTED_S = 1.5
"""Rows and charts paint what they just received."""
TRAFFIC_S = 60
"""The minute of traffic that the fleet's figures show."""
UPDATED = 5


async def upload(api: httpx.AsyncClient, version: str, size: int) -> int:
    """The id of an image; the same one when it is there already."""
    described = {"name": "field-firmware", "version": version}
    image = {"file": (f"field-firmware-{version}.bin", version.encode() * size)}
    return (await api.post("/api/v2/firmware", data=described, files=image)).raise_for_status().json()["id"]


async def update(api: httpx.AsyncClient, uids: list[str], firmware_id: int) -> None:
    """Begins the updates one after the other, so that each is at another place."""
    (await api.post(f"/api/v2/firmware/{firmware_id}/approve")).raise_for_status()
    for uid in uids:
        (await api.post("/api/v2/updates", json={"device_uid": uid, "firmware_id": firmware_id})).raise_for_status()
        await asyncio.sleep(PAINTED_S)


async def take(page: Page, api: httpx.AsyncClient, info: dict[str, Any]) -> None:
    """The fleet while a part of it is updated, one of those devices, and every other page at its best."""
    await page.goto(f"{info['dashboard']}#/fleet")
    await page.get_by_label("Email").fill(info["admin"]["email"])
    await page.get_by_label("Password").fill(info["admin"]["password"])
    await page.get_by_role("button", name="Sign in").click()
    online = page.locator('tr[data-online="true"]')
    await online.first.wait_for()
    uids = [str(await online.nth(place).get_attribute("data-uid")) for place in range(2 * UPDATED)]
    await page.mouse.move(0, 0)
    await update(api, uids, await upload(api, "2.3.1", 8_000))
    await asyncio.sleep(TRAFFIC_S)
    await upload(api, "2.5.0-rc.1", 300_000)
    await update(api, uids[::2], await upload(api, "2.4.0", 160_000))
    await picture(page, info, "fleet", "tr[data-uid]")
    await picture(page, info, "overview", ".figure[data-online]")
    await picture(page, info, "device", ".metric-chart", f"devices/{uids[-2]}")
    await picture(page, info, "firmware", ".images-table")
    await picture(page, info, "map", ".world-box canvas")


async def picture(page: Page, info: dict[str, Any], name: str, sign: str, address: str = "") -> None:
    """The page at its address, once what `sign` selects is there and painted."""
    await page.goto(f"{info['dashboard']}#/{address or name}")
    await page.locator(sign).first.wait_for()
    await asyncio.sleep(PAINTED_S)
    await page.screenshot(path=IMAGES / f"{name}.png")


async def main(info: dict[str, Any]) -> None:
    async with (
        async_playwright() as playwright,
        httpx.AsyncClient(base_url=info["gateway"], timeout=20) as api,
    ):
        form = {"username": info["admin"]["email"], "password": info["admin"]["password"]}
        signed_in = (await api.post("/api/v2/auth/login", data=form)).raise_for_status().json()
        api.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        browser = await playwright.chromium.launch(executable_path=require(CHROMIUM), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1360, "height": 860}, color_scheme="light")
        await take(page, api, info)
        await browser.close()


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
