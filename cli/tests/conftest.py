"""A platform in memory behind real HTTP: the REST calls this program makes, and their refusals."""

import asyncio
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import uvicorn
from typer.testing import CliRunner, Result

from muster_cli import following
from muster_cli.main import app
from shared.http.server import KEEP_ALIVE_SECONDS
from shared.testing import eventually

from .convoy import Convoy
from .desk import Desk
from .ota import Ota
from .shelf import Shelf
from .workshop import Workshop
from .yard import Yard

EMAIL, PASSWORD = "admin@muster.example", "correct horse"
LONG_AGO = "2026-01-02T03:04:05.678Z"


@dataclass
class Platform:
    """`calls` counts requests by "METHOD /path" with uids left out; tests change the other members to provoke."""

    server: str = ""
    devices: dict[str, dict[str, Any]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    access_tokens: set[str] = field(default_factory=set)
    refresh_tokens: set[str] = field(default_factory=set)
    expires_in: int = 900
    token_expires_at: str = "2099-01-01T00:00:00Z"
    unavailable: int = 0
    """So many calls that answer 503 before the next one is carried out."""
    page_size: int = 500
    issued: int = 0
    file: bytes = b""
    """What an export answers."""
    importing: list[str] = field(default_factory=list)
    imported: int = 0
    shelf: Shelf = field(default_factory=Shelf)
    desk: Desk = field(default_factory=Desk)
    convoy: Convoy = field(default_factory=Convoy)
    yard: Yard = field(default_factory=Yard)
    workshop: Workshop = field(default_factory=Workshop)
    told: float = 0
    accounts: list[dict[str, Any]] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)
    """Of whom and of which days the accounts were asked for last."""
    audit: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        split = urlsplit(path)
        parts = split.path.removeprefix("/api/v2/").split("/")
        self.calls.append(f"{method} {'/'.join([parts[0], *parts[2:]] if parts[0] == 'devices' else parts)}")
        if parts in (["auth", "login"], ["auth", "refresh"], ["firmware", "keys"]):
            return self._auth(parts[1], body)
        if refused := self._refuse(headers):
            return refused
        query = parse_qs(split.query)
        match parts[0]:
            case "auth" | "api-keys":
                return self._key(method, parts)
            case "imports":
                return self._import(method, parts, body)
            case "devices":
                return self._devices(method, parts, query, body)
            case _:
                return self._elsewhere(method, parts, query, headers, body)

    def _refuse(self, headers: Any) -> tuple[int, Any] | None:
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.access_tokens:
            return _problem(401, "invalid_token", "the token is no good")
        if self.unavailable:
            self.unavailable -= 1
            return _problem(503, "service_unavailable", "the store is away")
        return None

    def _elsewhere(self, method: str, parts: list[str], query: Any, headers: Any, body: bytes) -> tuple[int, Any]:
        multipart = headers.get("Content-Type", "").startswith("multipart")
        document = body if multipart else json.loads(body or b"null")
        match parts:
            case ["updates", "batches", *rest]:
                return self.convoy.answer(method, rest, query, document)
            case ["telemetry", "accounting"] | ["audit"]:
                return 200, {"items": self._kept(parts[0], query), "next": None}
            case ["actions", *_]:
                return self.desk.answer(method, parts, query, document)
            case ["releases", *_]:
                return self.yard.answer(method, parts, query, document)
            case ["configuration", "jobs", *rest]:
                return self.workshop.answer(method, rest, query, document)
            case _:
                return self.shelf.answer(method, parts, query, headers, document)

    def _kept(self, what: str, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        if what == "audit":
            subject = {name: value[0] for name, value in query.items() if name.startswith("subject_")}
            return [one for one in self.audit if subject.items() <= one.items()]
        self.asked = query
        return self.accounts

    def _devices(self, method: str, parts: list[str], query: dict[str, list[str]], body: bytes) -> tuple[int, Any]:
        if parts[1:2] == ["resync"]:
            return self._resync(method)
        if parts[1:2] == ["batch"]:
            return self._batch(json.loads(body))
        if parts[1:2] == ["export"]:
            return 200, self.file
        if parts[1:2] == ["search"]:
            return self._search(json.loads(body))
        if len(parts) == 1:
            return self._page(query) if method == "GET" else self._register(json.loads(body))
        return self._device(parts[1], method, body)

    def _search(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if not body["rql"].startswith("exists("):
            return _problem(400, "bad_query", "'x' is out of place (at position 0)")
        found = list(self.devices.values())
        return 200, {"count": len(found), "exact": True, "sample": found[: body["sample"]]}

    def _import(self, method: str, parts: list[str], body: bytes) -> tuple[int, dict[str, Any]]:
        """One line with each question; a uid with a space is refused."""
        if method == "POST":
            self.importing = body.decode().splitlines()[1:]
        if parts[2:] == ["errors"]:
            refused = [(line, uid) for line, uid in enumerate(self.importing, start=2) if " " in uid]
            rows = [{"line": line, "device_uid": uid, "code": "bad", "error": "no spaces"} for line, uid in refused]
            return 200, {"items": rows, "next": None}
        done = 0 if method == "POST" else min(self.imported + 1, len(self.importing))
        self.imported = done
        refused = sum(" " in uid for uid in self.importing[:done])
        counts = {"updated": 0, "unchanged": 0, "skipped": 0, "refused": refused, "created": done - refused}
        state = "completed" if done == len(self.importing) else "running"
        return 200, {"id": 1, "state": state, "total": len(self.importing), "done": done, **counts}

    def _resync(self, method: str) -> tuple[int, dict[str, Any]]:
        """Half of the devices with each question."""
        self.told = 0 if method == "POST" else self.told + len(self.devices) / 2
        state = "completed" if self.told >= len(self.devices) else "running"
        return 202, {"id": 1, "state": state, "total": len(self.devices), "done": int(self.told)}

    def _device(self, uid: str, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        device = self.devices.get(uid)
        if device is None:
            return _problem(404, "device_not_found", f"there is no device {unquote(uid)}")
        if method == "GET":
            return 200, device
        if method == "PUT":
            before, device["status"] = device["status"], json.loads(body)["status"]
            return 200, device | {"previous_status": before, "current_status": device["status"]}
        if method == "DELETE":
            return 204, {}
        self.issued += 1
        issued = {"device_uid": uid, "token": f"token-{self.issued}", "expires_at": self.token_expires_at}
        if not body:
            return 201, issued
        until = datetime.fromisoformat(LONG_AGO) + timedelta(seconds=json.loads(body)["overlap_s"])
        return 201, issued | {"previous_until": until.isoformat()}

    def _auth(self, verb: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """What needs no token."""
        if verb == "keys":
            return 200, {"keys": [{"kid": "key-1", "kty": "OKP", "crv": "Ed25519", "x": "A" * 43}]}
        if verb == "login":
            form = {key: value[0] for key, value in parse_qs(body.decode()).items()}
            if form != {"username": EMAIL, "password": PASSWORD}:
                return _problem(401, "bad_credentials", "wrong e-mail address or password")
        else:
            token = json.loads(body)["refresh_token"]
            if token not in self.refresh_tokens:
                return _problem(401, "bad_refresh_token", "sign in again")
            self.refresh_tokens.remove(token)
        number = len(self.calls)
        self.access_tokens.add(f"access-{number}")
        self.refresh_tokens.add(f"refresh-{number}")
        pair = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
        return 200, {**pair, "token_type": "bearer", "expires_in": self.expires_in}

    def _key(self, method: str, parts: list[str]) -> tuple[int, dict[str, Any]]:
        """Who asks, and the one key that they may have."""
        if parts == ["auth", "me"]:
            return 200, {"email": EMAIL, "organization": {"id": 1, "name": "Water works"}, "scopes": ["devices:read"]}
        if method == "DELETE":
            self.access_tokens.discard(parts[1])
            return 204, {}
        self.issued += 1
        self.access_tokens.add(f"key-{self.issued}")
        return 201, {"id": f"key-{self.issued}", "token": f"key-{self.issued}", "expires_at": "2099-01-01T00:00:00Z"}

    def _page(self, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        start = int(query.get("cursor", ["0"])[0])
        end = start + min(int(query["limit"][0]), self.page_size)
        devices = list(self.devices.values())
        return 200, {"items": devices[start:end], "next": str(end) if end < len(devices) else None}

    def _batch(self, devices: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        answer: dict[str, list[Any]] = {"successful": [], "failed": []}
        for new in devices:
            status, made = self._register(new)
            if status == 201:
                answer["successful"].append({"device": made})
            else:
                answer["failed"].append({"device": new, "code": made["code"], "error": made["detail"]})
        return (207 if answer["failed"] else 201), answer

    def _register(self, new: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        uid = new.get("device_uid") or f"generated-{len(self.devices)}"
        if " " in uid:
            place = {"location": ["body", "device_uid"], "message": "a uid has no spaces", "type": "value_error"}
            return 422, {**_problem(422, "validation_failed", "not the expected shape")[1], "errors": [place]}
        if uid in self.devices or uid in self.foreign:
            return _problem(409, "device_uid_taken", f"the uid {uid} is taken")
        times = {"registered_at": LONG_AGO, "updated_at": LONG_AGO}
        state = {"id": len(self.devices) + 1, "lifecycle": "in_stock", "status": "offline", "version": 1}
        self.devices[uid] = {**state, **new, **times, "device_uid": uid}
        return 201, self.devices[uid]


def _problem(status: int, code: str, detail: str) -> tuple[int, dict[str, Any]]:
    return status, {"type": f"urn:muster:problem:{code}", "status": status, "code": code, "detail": detail}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A program that ends its connection is no error, and the tests read what is written to stderr meanwhile."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def platform() -> Iterator[Platform]:
    there = Platform()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def do_PUT(self) -> None:
            self._answer()

        def do_DELETE(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                status, document = there.answer(self.command, self.path, self.headers, body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            """Says nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    there.server = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield there
    server.shutdown()
    server.server_close()


class _Current:
    """One server for all tests: each has a platform of its own behind it."""

    server = ""
    ota = Ota()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.ota(scope, receive, send)


@pytest.fixture(scope="session")
async def _ota_server() -> AsyncIterator[_Current]:
    current = _Current()
    server = uvicorn.Server(
        uvicorn.Config(current, port=0, log_level="critical", lifespan="off", timeout_keep_alive=KEEP_ALIVE_SECONDS)
    )
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    current.server = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    yield current
    server.force_exit = server.should_exit = True
    await serving


@pytest.fixture
def ota(_ota_server: _Current) -> Ota:
    _ota_server.ota = Ota(_ota_server.server)
    return _ota_server.ota


@pytest.fixture(autouse=True)
def asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "ASK_EVERY_S", 0.01)


@pytest.fixture
def muster(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """The command, signed in to the platform in memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUSTER_SERVER", platform.server)
    monkeypatch.setenv("MUSTER_ADMIN_EMAIL", "admin@muster.example")
    monkeypatch.setenv("MUSTER_ADMIN_PASSWORD", "correct horse")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return lambda *arguments: CliRunner().invoke(app, list(arguments))
