"""The dashboard as a person has it before them, and devices as they speak to the platform."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import CDPSession, ConsoleMessage, Locator, Page

from shared.testing import eventually

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

_AXE = Path(__file__).parent / "vendor" / "axe.min.js"


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

    async def report(self, session_id: str, verb: str, **said: Any) -> int:
        """Reports on its update with its own token; the status of the answer."""
        path = f"/api/v2/device/{self.uid}/updates/{session_id}/{verb}"
        answer = await self.api.post(path, json=said, headers={"Authorization": f"Bearer {self.token}"})
        return answer.status_code

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

    debugger: CDPSession | None = None

    async def sign_in(self, fragment: str = "#/fleet", password: str | None = None) -> None:
        await self.page.goto(f"{self.origin}/{fragment}")
        await self.page.get_by_label("Email").fill(self.admin["email"])
        await self.page.get_by_label("Password").fill(password or self.admin["password"])
        await self.page.get_by_role("button", name="Sign in").click()

    def row(self, device: Device) -> Locator:
        """The device's line in the fleet."""
        return self.page.locator(f'tr[data-uid="{device.uid}"]')

    def link(self, device: Device) -> Locator:
        """The device's name in the fleet, which leads to its page."""
        return self.row(device).get_by_role("rowheader").get_by_role("link")

    async def shown_in_fleet(self, device: Device) -> None:
        """The device's row is on the page; further pages of the list are loaded until it is."""
        more = self.page.get_by_role("button", name="Load more devices")

        async def shown() -> bool:
            if await self.row(device).count() == 0 and await more.is_visible() and await more.is_enabled():
                await more.click()
            return await self.row(device).count() == 1

        await eventually(shown)

    async def number(self, selector: str, attribute: str) -> float:
        """A figure behind what is painted; -1 while there is none."""
        return float(await self.page.locator(selector).get_attribute(attribute) or -1)

    async def violations(self) -> list[str]:
        """What axe-core has against the page. The debugger runs it, so that the page's own policy stays in force."""
        self.expected.append("Applying inline style")  # axe tries styles of its own, which the policy refuses
        if not await self.page.evaluate("() => 'axe' in window"):
            await self._debug(_AXE.read_text())
        return await self._debug(
            "axe.run({preload: false}).then(({violations}) => violations.flatMap(({id, nodes}) =>"
            " nodes.map(({target}) => `${id}: ${target}`)))"
        )

    async def _debug(self, expression: str) -> Any:
        if self.debugger is None:
            self.debugger = await self.page.context.new_cdp_session(self.page)
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        return (await self.debugger.send("Runtime.evaluate", asked))["result"].get("value")

    async def is_sound(self) -> None:
        """Accessible, and no wider than the window."""
        assert await self.violations() == []
        assert await self.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")

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


def now_ms() -> int:
    return int(time.time() * 1000)
