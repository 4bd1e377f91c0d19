#!/usr/bin/env python3
"""The pictures of the dashboard in docs/images: a running stack, while its simulated fleet is updated in waves.

First `make demo DEVICES=60`, then `.venv/bin/python deploy/dashboard/pictures.py .local/stack.json`.
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
WAIT_MS = 120_000
RELEASE = "field-firmware-spring"
SECOND_WAVE = '[data-part$="wave-2"]:not([data-state="draft"], [data-state="scheduled"])'


async def upload(api: httpx.AsyncClient, version: str, size: int) -> int:
    """The id of an image; the same one when it is there already."""
    described = {"name": "field-firmware", "version": version}
    image = {"file": (f"field-firmware-{version}.bin", version.encode() * size)}
    return (await api.post("/api/v2/firmware", data=described, files=image)).raise_for_status().json()["id"]


async def watch(api: httpx.AsyncClient) -> None:
    """Two rules, which a simulated fleet breaks now and then."""
    for rule in (
        {
            "name": "Cold room too warm",
            "severity": "critical",
            "condition": {"kind": "threshold", "metric": "temperature", "above": 5, "clear_at": 4},
            "scope": {"rql": 'eq(device_type,"cold-room")'},
        },
        {
            "name": "Low battery",
            "condition": {"kind": "threshold", "metric": "battery", "below": 30, "clear_at": 40},
        },
    ):
        (await api.post("/api/v2/alert-rules", json=rule)).raise_for_status()


async def release(api: httpx.AsyncClient, version: str) -> None:
    """Three waves over the fleet."""
    document = {
        "name": f"Field firmware {version}",
        "slug": RELEASE,
        "bundle": {"apps": [{"name": "field-firmware", "version": version}]},
        "clusters": [
            {"slug": f"{RELEASE}-{kind}", "rql": f'and(like(device_uid,"sim-*"),eq(device_type,"{kind}"))'}
            for kind in ("cold-room", "gateway", "pump", "weather-station")
        ],
        "waves": [{"percent": 20}, {"percent": 30}, {"percent": 50}],
    }
    (await api.post("/api/v2/releases", json=document)).raise_for_status()
    (await api.post(f"/api/v2/releases/{RELEASE}/start")).raise_for_status()


async def take(page: Page, api: httpx.AsyncClient, info: dict[str, Any]) -> None:
    """The fleet while a release is in its second wave, a device of it, and every other page at its best."""
    await page.goto(f"{info['dashboard']}#/fleet")
    await page.get_by_label("Email").fill(info["admin"]["email"])
    await page.get_by_label("Password").fill(info["admin"]["password"])
    await page.get_by_role("button", name="Sign in").click()
    await page.locator('tr[data-online="true"]').first.wait_for()
    await page.mouse.move(0, 0)
    await watch(api)
    image = await upload(api, "2.4.0", 400_000)
    (await api.post(f"/api/v2/firmware/{image}/approve")).raise_for_status()
    await upload(api, "2.5.0-rc.1", 300_000)
    await asyncio.sleep(TRAFFIC_S)
    await release(api, "2.4.0")
    await picture(page, info, "release", SECOND_WAVE, f"releases/{RELEASE}")
    await picture(page, info, "fleet", "tr[data-uid] progress")
    uid = await page.locator("tr[data-uid]:has(progress)").first.get_attribute("data-uid")
    await picture(page, info, "overview", ".figure[data-online]")
    await picture(page, info, "device", ".metric-chart", f"devices/{uid}")
    await picture(page, info, "alerts", "tr[data-alert]")
    await picture(page, info, "firmware", ".images-table")
    await picture(page, info, "map", ".world-box canvas")


async def picture(page: Page, info: dict[str, Any], name: str, sign: str, address: str = "") -> None:
    """The page at its address, once what `sign` selects is there and painted."""
    await page.goto(f"{info['dashboard']}#/{address or name}")
    await page.locator(sign).first.wait_for(timeout=WAIT_MS)
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
