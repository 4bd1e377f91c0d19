"""Where the platform is and who signs in: from options, the environment, or the local stack's own description.

It opens no connection, and is handed the environment rather than reading it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import httpx
from pydantic import BaseModel, ValidationError

from muster_cli.errors import BadUsage

DEFAULT_SERVER = "http://127.0.0.1:8000"
DEFAULT_STACK = Path(".local")
STACK_FILE = "stack.json"
MQTT_PORT = 1883


class Endpoint(NamedTuple):
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Reads `host:port` or `[v6]:port`. Raises BadUsage."""
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65_536:
            raise BadUsage(f'"{text}" is not HOST:PORT', "write it like 127.0.0.1:1883")
        return cls(host.strip("[]"), int(port))


@dataclass(frozen=True)
class Options:
    """What was said on the command line; None where nothing was."""

    server: str | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    stack: Path | None = None


@dataclass(frozen=True)
class Connection:
    """How to reach one platform. `state_dir` is where this machine keeps private files about it."""

    server: str
    email: str | None
    password: str | None = field(repr=False)
    mqtt: Endpoint
    state_dir: Path

    def credentials(self) -> tuple[str, str]:
        """Raises BadUsage when either is missing."""
        if self.email and self.password:
            return self.email, self.password
        missing = "e-mail address" if not self.email else "password"
        raise BadUsage(
            f"no {missing} to sign in to {self.server}",
            "set MUSTER_ADMIN_EMAIL and MUSTER_ADMIN_PASSWORD, or name a local stack with --stack DIR",
        )


class _Admin(BaseModel):
    email: str
    password: str


class _Stack(BaseModel):
    """The members of stack.json that this program needs."""

    gateway: str
    mqtt: str
    admin: _Admin


def resolve(options: Options, environ: Mapping[str, str], cwd: Path) -> Connection:
    """The connection to use: options first, then a stack named by option, the environment, the stack in `.local`.

    The stack in `.local` counts only while it is the platform that is meant: its password goes nowhere else.
    Raises BadUsage.
    """
    named = _read(options.stack / STACK_FILE) if options.stack else None
    server = _url(options.server or (named and named.gateway) or environ.get("MUSTER_SERVER"))
    directory, stack = options.stack, named
    if stack is None:
        directory, stack = cwd / DEFAULT_STACK, _read_default(cwd, server)
    server = server or (_url(stack.gateway) if stack else None) or DEFAULT_SERVER
    fallback = None if named else stack
    return Connection(
        server=server,
        email=options.email
        or (named and named.admin.email)
        or environ.get("MUSTER_ADMIN_EMAIL")
        or (fallback and fallback.admin.email),
        password=options.password
        or (named and named.admin.password)
        or environ.get("MUSTER_ADMIN_PASSWORD")
        or (fallback and fallback.admin.password),
        mqtt=Endpoint.parse(stack.mqtt) if stack else Endpoint(httpx.URL(server).host, MQTT_PORT),
        state_dir=directory if stack and directory else _state_dir(server, environ),
    )


def _url(text: str | None) -> str | None:
    """`text` as an origin without a trailing slash; a bare host means http."""
    if not text:
        return None
    try:
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise BadUsage(f'"{text}" is not a server', f"write its address like {DEFAULT_SERVER}")
    return str(url).rstrip("/")


def _read(path: Path) -> _Stack:
    try:
        return _Stack.model_validate_json(path.read_bytes())
    except OSError:
        raise BadUsage(f"there is no stack in {path.parent}", f"start one with `make up STACK={path.parent}`") from None
    except ValidationError:
        raise BadUsage(f"{path} does not describe a stack", "let `make up` write it again") from None


def _read_default(cwd: Path, server: str | None) -> _Stack | None:
    path = cwd / DEFAULT_STACK / STACK_FILE
    if not path.is_file():
        return None
    stack = _read(path)
    return stack if server in {None, _url(stack.gateway)} else None


def _state_dir(server: str, environ: Mapping[str, str]) -> Path:
    base = Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return base / "muster" / sha256(server.encode()).hexdigest()[:12]
