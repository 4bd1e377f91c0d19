"""A browser on the whole platform.

Every visit is watched: an error in the console, a breach of the content security policy, or a request to another origin
fails the test that saw it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, async_playwright, expect

from muster_stack.stack import Stack
from shared.testing import eventually

from .browsing import FLAGS, Device, Visit

_PATIENCE_MS = 60_000
"""For whatever a page is to show or let be done: a busy machine takes long, and what is not there never comes."""

expect.set_options(timeout=_PATIENCE_MS)


@pytest.fixture(scope="session")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visits(browser: Browser, stack: Stack) -> AsyncIterator[Callable[..., Any]]:
    """Opens the dashboard as a person would, once or more; `options` are those of a browser context."""
    opened: list[Visit] = []

    async def visit(**options: Any) -> Visit:
        context = await browser.new_context(**options)
        context.set_default_timeout(_PATIENCE_MS)
        opened.append(Visit(await context.new_page(), stack.info["gateway"].rstrip("/"), stack.info["admin"]))
        opened[-1].watch()
        return opened[-1]

    yield visit
    for each in opened:
        await each.page.context.close()
    assert [wrong for each in opened for wrong in each.wrong] == []


@pytest.fixture
async def visit(visits: Callable[..., Any]) -> Visit:
    return await visits()


@pytest.fixture
async def devices(people: httpx.AsyncClient, stack: Stack, mosquitto_pub: Path) -> AsyncIterator[Callable[..., Any]]:
    """Registers devices, over REST; they are disconnected when the test ends."""
    registered: list[Device] = []

    async def register(name: str | None = None, **described: Any) -> Device:
        uid = f"watched-{uuid4().hex[:10]}"
        body = {"device_uid": uid, "name": name, "device_type": "sensor", **described}
        (await people.post("/api/v2/devices", json=body)).raise_for_status()
        token = (await people.post(f"/api/v2/devices/{uid}/token")).raise_for_status().json()["token"]

        async def known_to_monitoring() -> bool:
            return (await people.get("/api/v2/presence", params={"device_uid": uid})).is_success

        await eventually(known_to_monitoring)
        registered.append(Device(uid, token, stack.info["mqtt"], mosquitto_pub, people))
        return registered[-1]

    yield register
    for device in registered:
        await device.disconnect()


@pytest.fixture
def image(people: httpx.AsyncClient) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Uploads firmware, over REST, and approves it unless told otherwise."""

    async def upload(version: str, *, name: str = "", approved: bool = True, hardware: str = "") -> dict[str, Any]:
        described = {"name": name or f"image-{uuid4().hex[:8]}", "version": version, "hardware_versions": hardware}
        answer = await people.post("/api/v2/firmware", data=described, files={"file": ("image.bin", b"x" * 50_000)})
        found = answer.raise_for_status().json()
        if approved:
            answer = await people.post(f"/api/v2/firmware/{found['id']}/approve")
        return answer.raise_for_status().json()

    return upload
