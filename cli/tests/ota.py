"""ota-service as a device sees it, in memory behind a real HTTP server, with every fault and attack a test asks for."""

import asyncio
import base64
import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from muster_cli.updater.offers import PublicKey

TOKEN = "device-token"
UID = "pump-1"
HARDWARE = "px-300"
IMAGE = hashlib.sha256(b"image").digest() * 8192
"""256 KiB."""
_NEXT = {
    "ack": "acknowledged",
    "downloading": "downloading",
    "flashed": "flashed",
    "complete": "completed",
    "fail": "failed",
    "cancelled": "cancelled",
}
_ORDER = ["initiated", "acknowledged", "downloading", "flashed", "completed"]
_OPEN = {*_ORDER[:-1], "held", "cancelling"}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Ota:
    """`session` is the one there is; tests change members to provoke. `reports` are those that were accepted."""

    server: str = ""
    uid: str = UID
    hardware: str = HARDWARE
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    key_id: str = "key-1"
    image: bytes = IMAGE
    images: list[bytes] = field(default_factory=list)
    """Of the parts, served at files/1 and so on."""
    etag: str = '"v1"'
    session: dict[str, Any] | None = None
    offer: dict[str, Any] = field(default_factory=dict)
    """Members of the offer that differ from the honest ones."""
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    """The Range of each request for the image."""
    cuts: list[int] = field(default_factory=list)
    """After so many bytes the next answers with the image break off."""
    unavailable: list[int] = field(default_factory=list)
    """Statuses of the next answers, before any is honest again."""
    retry_after: str | None = None
    endless: bool = False
    ignores_ranges: bool = False
    lies_about_ranges: bool = False
    chunk_pause_s: float = 0.0
    damaged: bool = False
    cancel_at: str | None = None
    """The platform has cancelled before a report of this step arrives."""

    def open(self, number: int = 1, *, state: str = "initiated", **manifest: Any) -> str:
        """Opens session `number`; further members replace those of its manifest."""
        session_id = f"session-{number}"
        content = {
            "session": session_id,
            "device_uid": self.uid,
            "counter": number,
            "release_counter": number,
            "name": "pump-os",
            "version": f"1.{number}.0",
            "size": len(self.image),
            "sha256": hashlib.sha256(self.image).hexdigest(),
            "hardware_versions": [self.hardware],
            "issued_at": int(time.time()),
            "expires_at": int(time.time()) + 3600,
        } | manifest
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        signature = encoded(self.key.sign(text.encode()))
        self.session = {"id": session_id, "state": state, "manifest": text, "signature": signature}
        return session_id

    def open_bundle(self, *images: bytes, number: int = 1, state: str = "initiated", **manifest: Any) -> None:
        """Opens a session with a part for each image, named part-1 and so on."""
        self.images = list(images)
        parts = [
            {
                "name": f"part-{position}",
                "version": f"{position}.{number}",
                "release_counter": number,
                "size": len(image),
                "sha256": hashlib.sha256(image).hexdigest(),
            }
            for position, image in enumerate(images, start=1)
        ]
        session_id = self.open(number, state=state, **({**parts[0], "parts": parts} | manifest))
        files = f"/api/v2/device/{self.uid}/updates/{session_id}/files"
        self.offer["downloads"] = [f"{files}/{position}" for position in range(1, len(images) + 1)]

    @property
    def state(self) -> str:
        assert self.session is not None
        return self.session["state"]

    def steps(self) -> list[str]:
        """Accepted reports without repeats of one step."""
        steps = [step for step, _ in self.reports]
        return [step for index, step in enumerate(steps) if index == 0 or steps[index - 1] != step]

    def error(self) -> str:
        assert self.reports[-1][0] == "fail", self.reports
        return self.reports[-1][1]["error"]

    def public_keys(self) -> list[PublicKey]:
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        return [PublicKey(kid=self.key_id, kty="OKP", crv="Ed25519", x=x)]

    def next_offer(self) -> dict[str, Any] | None:
        if self.session is None or self.session["state"] not in _OPEN:
            return None
        return {
            "session_id": self.session["id"],
            "state": self.session["state"],
            "manifest": self.session["manifest"],
            "signature": self.session["signature"],
            "key_id": self.key_id,
            "download": f"/api/v2/device/{self.uid}/updates/{self.session['id']}/file",
            "deadline": "2099-01-01T00:00:00Z",
        } | self.offer

    def report(self, session_id: str, step: str, detail: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        session = self.session
        if session is None or session["id"] != session_id:
            return 404, {"code": "session_not_found"}
        if self.cancel_at == step:
            session["state"] = "cancelled"
        state = session["state"]
        target = session.get("resumes", "downloading") if step == "refuse-cancel" else _NEXT[step]
        if state != target and not self._follows(state, target, step):
            return 409, {"code": "wrong_transition"}
        session["state"] = target
        self.reports.append((step, detail))
        return 200, {"session_id": session_id, "state": target}

    def _follows(self, state: str, target: str, step: str) -> bool:
        if state == "cancelling":
            return step not in {"ack", "downloading"}
        if state not in _OPEN or target in {"failed", "cancelled"}:
            return state in _OPEN
        return state in _ORDER and _ORDER.index(target) == _ORDER.index(state) + 1

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        path, method = scope["path"], scope["method"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = (await receive()).get("body", b"")
        self.calls.append(f"{method} {path.rpartition('/')[2]}")
        if self.unavailable:
            more = [(b"retry-after", self.retry_after.encode())] if self.retry_after else []
            await answer(send, self.unavailable.pop(0), {"code": "service_unavailable"}, more)
        elif headers.get("authorization") != f"Bearer {TOKEN}" or f"/device/{self.uid}/" not in path:
            await answer(send, 401, {"code": "invalid_token"})
        elif path.endswith("/next"):
            offer = self.next_offer()
            await answer(send, 200 if offer else 204, offer)
        elif path.endswith("/file"):
            await self.file(headers, send)
        elif "/files/" in path:
            self.image = self.images[int(path.rpartition("/")[2]) - 1]
            await self.file(headers, send)
        else:
            session_id, step = path.split("/")[-2:]
            await answer(send, *self.report(session_id, step, json.loads(body or b"{}")))

    async def file(self, headers: dict[str, str], send: Any) -> None:
        self.ranges.append(headers.get("range"))
        if self.damaged:
            await answer(send, 500, {"code": "firmware_damaged"})
            return
        start, status, more = 0, 200, [(b"etag", self.etag.encode())]
        if "range" in headers and headers.get("if-range") == self.etag and not self.ignores_ranges:
            start, status = int(headers["range"].removeprefix("bytes=").rstrip("-")), 206
            told = start + (7 if self.lies_about_ranges else 0)
            more.append((b"content-range", f"bytes {told}-{len(self.image) - 1}/{len(self.image)}".encode()))
        content = self.image[start:]
        if not self.endless:
            more.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": more})
        if self.cuts:
            await send({"type": "http.response.body", "body": content[: self.cuts.pop(0)], "more_body": True})
            raise ConnectionAbortedError
        for _ in range(1_000 if self.endless else 0):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            await asyncio.sleep(0)
        for offset in range(0, len(content), 32_768):
            await asyncio.sleep(self.chunk_pause_s)
            await send({"type": "http.response.body", "body": content[offset : offset + 32_768], "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def answer(send: Any, status: int, document: Any, more: list[tuple[bytes, bytes]] | None = None) -> None:
    content = b"" if document is None else json.dumps(document).encode()
    headers = [*(more or []), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers if status != 204 else more or []})
    await send({"type": "http.response.body", "body": content if status != 204 else b""})
