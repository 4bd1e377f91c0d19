"""The dashboard in a browser, on the whole platform, with a device that speaks MQTT through mosquitto_pub.

Every visit is watched: an error in the console, a breach of the content security policy, or a request to another origin
fails the test that saw it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Route, async_playwright, expect

from muster_stack.stack import Stack
from shared.testing import eventually

pytestmark = pytest.mark.timeout(120)

_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_TEMPERATURE = '.metric-chart[data-metric="temperature"]'


@dataclass
class Device:
    """A registered device with a token; `publish` speaks as it does, over one connection."""

    uid: str
    token: str
    mqtt: str
    program: Path
    api: httpx.AsyncClient
    process: asyncio.subprocess.Process | None = None

    async def connect(self) -> None:
        host, port = self.mqtt.split(":")
        topic = f"devices/{self.uid}/telemetry"
        identity = ("-i", self.uid, "-u", self.uid, "-P", self.token)
        self.process = await asyncio.create_subprocess_exec(
            self.program, "-h", host, "-p", port, *identity, "-q", "1", "-t", topic, "-l", stdin=asyncio.subprocess.PIPE
        )

    async def publish(self, *samples: dict[str, Any]) -> None:
        """Each sample: `{"ts": epoch milliseconds, "metrics": {...}}`."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.writelines(json.dumps(sample).encode() + b"\n" for sample in samples)
        await self.process.stdin.drain()

    async def stored(self, samples: int) -> None:
        """Returns once so many of its samples can be read."""

        async def readable() -> bool:
            answer = await self.api.get("/api/v2/telemetry", params={"device_uid": self.uid, "limit": 500})
            return len(answer.raise_for_status().json()["items"]) == samples

        await eventually(readable)

    async def disconnect(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.terminate()
            await self.process.wait()


@dataclass
class Visit:
    """A page of the dashboard, and what went wrong while it was open."""

    page: Page
    origin: str
    admin: dict[str, str]
    wrong: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Parts of addresses whose failure a test brings about itself."""

    async def sign_in(self, fragment: str = "", password: str | None = None) -> None:
        await self.page.goto(f"{self.origin}/{fragment}")
        await self.page.get_by_label("Email").fill(self.admin["email"])
        await self.page.get_by_label("Password").fill(password or self.admin["password"])
        await self.page.get_by_role("button", name="Sign in").click()

    async def number(self, selector: str, attribute: str) -> float:
        """A figure behind what is painted; -1 while there is none."""
        return float(await self.page.locator(selector).get_attribute(attribute) or -1)

    async def violations(self) -> list[str]:
        """What axe-core has against the page. The debugger runs it, so that the page's own policy stays in force."""
        self.expected.append("Applying inline style")  # axe tries styles of its own, which the policy refuses
        session = await self.page.context.new_cdp_session(self.page)
        await session.send("Runtime.evaluate", {"expression": _AXE.read_text()})
        found = await session.send(
            "Runtime.evaluate",
            {
                "expression": "axe.run({preload: false}).then(({violations}) => violations.flatMap(({id, nodes}) =>"
                " nodes.map(({target}) => `${id}: ${target}`)))",
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        return found["result"]["value"]

    def watch(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", lambda request: self._on_request(request.url))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        address = message.location.get("url", "")
        if not any(part in address or part in message.text for part in self.expected):
            self.wrong.append(f"{message.type}: {message.text} ({address})")

    def _on_request(self, url: str) -> None:
        if not url.startswith((f"{self.origin}/", f"{self.origin.replace('http', 'ws', 1)}/", "data:")):
            self.wrong.append(f"request to another origin: {url}")


@pytest.fixture(scope="module")
async def browser(chromium: Path) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visits(browser: Browser, stack: Stack) -> AsyncIterator[Callable[..., Any]]:
    """Opens the dashboard as a person would, once or more; `options` are those of a browser context."""
    opened: list[Visit] = []

    async def visit(**options: Any) -> Visit:
        context = await browser.new_context(**options)
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
async def devices(stack: Stack, mosquitto_pub: Path) -> AsyncIterator[Callable[..., Any]]:
    """Registers devices, over REST; they are disconnected when the test ends."""
    registered: list[Device] = []

    async with httpx.AsyncClient(base_url=stack.info["gateway"], timeout=10) as client:
        admin = stack.info["admin"]
        answer = await client.post(
            "/api/v2/auth/login", data={"username": admin["email"], "password": admin["password"]}
        )
        client.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['access_token']}"

        async def register(name: str | None = None, **described: Any) -> Device:
            uid = f"watched-{uuid4().hex[:10]}"
            body = {"device_uid": uid, "name": name, "device_type": "sensor", **described}
            (await client.post("/api/v2/devices", json=body)).raise_for_status()
            token = (await client.post(f"/api/v2/devices/{uid}/token")).raise_for_status().json()["token"]

            async def known_to_monitoring() -> bool:
                return (await client.get("/api/v2/presence", params={"device_uid": uid})).is_success

            await eventually(known_to_monitoring)
            registered.append(Device(uid, token, stack.info["mqtt"], mosquitto_pub, client))
            return registered[-1]

        yield register
    for device in registered:
        await device.disconnect()


@asynccontextmanager
async def _reporting(device: Device, metric: str = "temperature") -> AsyncIterator[None]:
    """The device connects and reports a rising value five times a second."""

    async def report() -> None:
        value = 20.0
        while True:
            await device.publish({"ts": _now(), "metrics": {metric: value}})
            value += 0.125
            await asyncio.sleep(0.2)

    await device.connect()
    task = asyncio.create_task(report())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await device.disconnect()


def _now() -> int:
    return int(time.time() * 1000)


def _row(page: Page, device: Device) -> Any:
    return page.locator(f'tr[data-uid="{device.uid}"]')


async def _shown_in_fleet(page: Page, device: Device) -> None:
    """The device's row is on the page; further pages of the list are loaded until it is."""
    row = _row(page, device)
    more = page.get_by_role("button", name="Load more devices")

    async def shown() -> bool:
        if await row.count() == 0 and await more.is_visible() and await more.is_enabled():
            await more.click()
        return await row.count() == 1

    await eventually(shown, timeout=20)


async def test_a_person_signs_in_and_sees_who_of_the_fleet_is_there(visit: Visit, devices: Callable[..., Any]):
    here = await devices("Greenhouse north")
    away = await devices("Cold store")
    async with _reporting(here):
        await visit.sign_in()
        await _shown_in_fleet(visit.page, away)
        await expect(_row(visit.page, here)).to_have_attribute("data-online", "true", timeout=15_000)
        await expect(_row(visit.page, here)).to_contain_text("Greenhouse north")
        await expect(_row(visit.page, here)).to_contain_text("temperature")
        await expect(_row(visit.page, away)).to_have_attribute("data-online", "false")
        await expect(_row(visit.page, away)).to_contain_text("never")
        assert await visit.number("[data-online][data-total]", "data-online") >= 1
        assert await visit.number("[data-online][data-total]", "data-total") >= 2
    await expect(_row(visit.page, here)).to_have_attribute("data-online", "false", timeout=15_000)


async def test_a_chart_moves_while_the_device_reports(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Boiler room")
    async with _reporting(device):
        await visit.sign_in()
        await _shown_in_fleet(visit.page, device)
        await _row(visit.page, device).get_by_role("link").click()
        await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Boiler room")
        await expect(visit.page.locator(".badge")).to_have_attribute("data-online", "true", timeout=15_000)
        await expect(visit.page.locator(_TEMPERATURE)).to_be_visible(timeout=15_000)
        for _ in range(3):
            before = await visit.number(_TEMPERATURE, "data-newest")
            value = await visit.number(_TEMPERATURE, "data-value")

            async def moved(before: float = before, value: float = value) -> bool:
                newest = await visit.number(_TEMPERATURE, "data-newest")
                return newest > before and await visit.number(_TEMPERATURE, "data-value") > value

            await eventually(moved, timeout=5)
    await expect(visit.page.locator(".badge")).to_have_attribute("data-online", "false", timeout=15_000)


async def test_the_past_is_there_when_the_page_opens(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Silo")
    await device.connect()
    now, ages = _now(), range(240, 0, -1)
    await device.publish(*({"ts": now - 1000 * age, "metrics": {"level": age, "open": age % 2 == 0}} for age in ages))
    await device.stored(len(ages))
    await visit.sign_in(f"#/devices/{device.uid}?minutes=15")
    for metric in ("level", "open"):
        chart = visit.page.locator(f'.metric-chart[data-metric="{metric}"]')
        await expect(chart).to_have_attribute("data-points", str(len(ages)), timeout=10_000)


async def test_a_wrong_password_is_said_and_nothing_opens(visit: Visit):
    visit.expected.append("/auth/login")
    await visit.sign_in(password="not the password")
    await expect(visit.page.get_by_role("alert")).to_contain_text("do not belong together")
    await expect(visit.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(visit.page.get_by_label("Password")).to_be_focused()
    assert await visit.page.evaluate("() => sessionStorage.length") == 0


async def test_what_a_device_is_called_and_what_it_says_stays_text(visit: Visit, devices: Callable[..., Any]):
    markup = '<img src="x" onerror="window.taken=1"><script>window.taken=1</script>'
    device = await devices(markup, tags=["<b>tag</b>"], attributes={"note": markup})
    await device.connect()
    await device.publish({"ts": _now(), "metrics": {"said": markup}})
    await visit.sign_in()
    await _shown_in_fleet(visit.page, device)
    await expect(_row(visit.page, device).get_by_role("link")).to_have_text(markup)
    await expect(_row(visit.page, device)).to_contain_text(markup, timeout=15_000)
    await _row(visit.page, device).get_by_role("link").click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text(markup)
    await expect(visit.page.locator('[data-latest="said"]')).to_contain_text(markup)
    await expect(visit.page.locator(".facts")).to_contain_text(markup)
    assert await visit.page.evaluate("() => window.taken") is None
    assert await visit.page.locator("img, b, #app script, [onerror]").count() == 0


async def test_a_deep_link_survives_signing_in_and_reloading(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Pump 7")
    await visit.sign_in(f"#/devices/{device.uid}?minutes=60")
    for _ in range(2):
        await expect(visit.page).to_have_title("Pump 7 · Muster")
        await expect(visit.page.get_by_role("link", name="60 min")).to_have_attribute("aria-current", "true")
        await visit.page.reload()


async def test_signing_out_ends_the_session_for_good(visit: Visit):
    await visit.sign_in()
    await visit.page.get_by_role("heading", name="Fleet").wait_for()
    await visit.page.get_by_role("button", name="Sign out").click()
    await expect(visit.page.get_by_role("heading", name="Sign in")).to_be_visible()
    await visit.page.reload()
    await expect(visit.page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_an_empty_fleet_says_how_to_get_its_first_devices(visit: Visit):
    async def nothing(route: Route) -> None:
        await route.fulfill(json={"items": [], "next": None})

    await visit.page.route("**/api/v2/devices?*", nothing)
    await visit.sign_in()
    await expect(visit.page.get_by_text("muster simulate --devices 25")).to_be_visible()
    assert await visit.violations() == []
    await visit.page.unroute("**/api/v2/devices?*")
    await expect(visit.page.get_by_role("table")).to_be_visible(timeout=15_000)


async def test_a_list_that_cannot_be_read_can_be_asked_for_again(visit: Visit, devices: Callable[..., Any]):
    device = await devices("Roof unit")
    visit.expected.append("/api/v2/devices")
    await visit.page.route("**/api/v2/devices?*", lambda route: route.fulfill(status=503, json={"detail": "Away."}))
    await visit.sign_in()
    await expect(visit.page.get_by_role("alert")).to_contain_text("Away.")
    assert await visit.violations() == []
    await visit.page.unroute("**/api/v2/devices?*")
    await visit.page.get_by_role("button", name="Try again").click()
    await _shown_in_fleet(visit.page, device)


async def test_what_an_interruption_left_out_is_read_afterwards(
    visit: Visit, devices: Callable[..., Any], stack: Stack
):
    visit.expected += ["/socket.io/", "/api/v2/"]
    device = await devices("Loading dock")
    await device.connect()
    await device.publish({"ts": _now(), "metrics": {"temperature": 1.0}})
    await visit.sign_in(f"#/devices/{device.uid}")
    await expect(visit.page.locator(_TEMPERATURE)).to_have_attribute("data-value", "1", timeout=15_000)
    stack.kill("monitoring-api")
    try:
        await expect(visit.page.get_by_role("button", name="Try now")).to_be_visible(timeout=15_000)
        missed = [{"ts": _now() - 10 + each, "metrics": {"temperature": 2.0 + each}} for each in range(10)]
        await device.publish(*missed)
    finally:
        await asyncio.to_thread(stack.start, "monitoring-api")
    await expect(visit.page.locator(".live-state")).to_have_attribute("data-live", "live", timeout=30_000)
    await expect(visit.page.locator(_TEMPERATURE)).to_have_attribute("data-points", "11", timeout=15_000)
    await expect(visit.page.get_by_role("button", name="Try now")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), [("light", 1360), ("dark", 390)])
async def test_every_page_is_accessible_and_fits(
    visits: Callable[..., Any], devices: Callable[..., Any], scheme: str, width: int
):
    device = await devices("Pump 1")
    visit: Visit = await visits(color_scheme=scheme, viewport={"width": width, "height": 844})

    async def sound() -> None:
        assert await visit.violations() == []
        assert await visit.page.evaluate("() => document.documentElement.scrollWidth") <= width

    await visit.page.goto(f"{visit.origin}/")
    await visit.page.get_by_role("heading", name="Sign in").wait_for()
    await sound()
    async with _reporting(device):
        await visit.sign_in()
        await _shown_in_fleet(visit.page, device)
        await sound()
        await visit.page.goto(f"{visit.origin}/#/devices/{device.uid}")
        await expect(visit.page.locator(_TEMPERATURE)).to_be_visible(timeout=15_000)
        await sound()
