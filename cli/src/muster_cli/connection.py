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
from muster_cli.profiles import DEFAULT_PROFILE, Profile, Profiles
from muster_cli.sign_in import KeySignIn, PasswordSignIn, SignIn

DEFAULT_SERVER = "http://127.0.0.1:8000"
DEFAULT_STACK = Path(".local")
STACK_FILE = "stack.json"
MQTT_PORT = 1883
GRPC_PORT = 50051
REST, GRPC = "rest", "grpc"


class Endpoint(NamedTuple):
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Endpoint":
        """Reads `host:port` or `[v6]:port`. Raises BadUsage."""
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65_536:
            raise BadUsage(f'"{text}" is not HOST:PORT', "write it like 127.0.0.1:1883")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Options:
    """What was said on the command line; None where nothing was."""

    server: str | None = None
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    stack: Path | None = None
    profile: str | None = None
    transport: str | None = None


@dataclass(frozen=True)
class Connection:
    """How to reach one platform. `state_dir` is where this machine keeps private files about it."""

    server: str
    email: str | None
    password: str | None = field(repr=False)
    mqtt: Endpoint
    state_dir: Path
    grpc: Endpoint
    transport: str
    """`rest` or `grpc`, for the calls that can go either way."""
    token: str | None = field(default=None, repr=False)
    """An API key, in place of e-mail address and password."""

    amqp: str | None = field(default=None, repr=False)
    """The broker with its credentials, for those who look after it."""

    def sign_in(self) -> SignIn:
        """Raises BadUsage when it is not known who signs in."""
        if self.token:
            return KeySignIn(self.token)
        return PasswordSignIn(self.server, *self.credentials())

    def credentials(self) -> tuple[str, str]:
        """Raises BadUsage when either is missing."""
        if self.email and self.password:
            return self.email, self.password
        missing = "e-mail address" if not self.email else "password"
        raise BadUsage(
            f"no {missing} to sign in to {self.server}",
            "`muster login` first, set MUSTER_ADMIN_EMAIL and MUSTER_ADMIN_PASSWORD, or name a local stack with --stack"
            " DIR",
        )


class _Admin(BaseModel):
    email: str
    password: str


class _Stack(BaseModel):
    """The members of stack.json that this program needs."""

    gateway: str
    mqtt: str
    grpc: str | None = None
    amqp: str | None = None
    admin: _Admin


def resolve(options: Options, environ: Mapping[str, str], cwd: Path) -> Connection:
    """The connection to use. Raises BadUsage.

    Options go first, then what --stack or --profile names, the environment, the stack in `.local`, and the profile of
    the last `muster login`. A HOST:PORT where gRPC listens is no gateway: the gateway is looked for as if there were no
    such option. What is secret goes to the platform it belongs to alone.
    """
    named = _read(options.stack / STACK_FILE) if options.stack else None
    profile = _profile(options.profile or environ.get("MUSTER_PROFILE"), environ)
    spoken, grpc_named = _told_apart(options, named or _read_default(cwd, None), environ)
    server = _url(spoken or (named and named.gateway) or (profile and profile.server) or environ.get("MUSTER_SERVER"))
    directory, stack = options.stack, named
    if stack is None and profile is None:
        directory, stack = cwd / DEFAULT_STACK, _read_default(cwd, server)
    if stack is None and profile is None:
        profile = _last_login(server, environ)
    server = server or (_url(stack.gateway) if stack else None) or (profile and profile.server) or DEFAULT_SERVER
    if profile and profile.server != server:
        profile = None
    fallback = None if named else stack
    email = (
        options.email
        or (named and named.admin.email)
        or environ.get("MUSTER_ADMIN_EMAIL")
        or (fallback and fallback.admin.email)
    )
    password = (
        options.password
        or (named and named.admin.password)
        or environ.get("MUSTER_ADMIN_PASSWORD")
        or (fallback and fallback.admin.password)
    )
    said = options.email or options.password or named
    grpc = grpc_named or (stack and stack.grpc) or (profile and profile.grpc)
    mqtt = (stack and stack.mqtt) or (profile and profile.mqtt)
    return Connection(
        server=server,
        email=email,
        password=password,
        mqtt=Endpoint.parse(mqtt) if mqtt else Endpoint(httpx.URL(server).host, MQTT_PORT),
        state_dir=directory if stack and directory else _state_dir(server, environ),
        grpc=Endpoint.parse(grpc) if grpc else Endpoint(httpx.URL(server).host, GRPC_PORT),
        transport=_transport(options, environ) or (GRPC if grpc_named else REST),
        token=None if said else environ.get("MUSTER_TOKEN") or (profile and profile.token),
        amqp=(named and named.amqp) or environ.get("MUSTER_AMQP_URL") or (stack and stack.amqp),
    )


def _transport(options: Options, environ: Mapping[str, str]) -> str | None:
    transport = options.transport or environ.get("MUSTER_TRANSPORT")
    if transport not in {None, REST, GRPC}:
        raise BadUsage(f'"{transport}" is no transport', "write rest or grpc")
    return transport


def _told_apart(options: Options, stack: _Stack | None, environ: Mapping[str, str]) -> tuple[str | None, str | None]:
    """What --server names: the gateway, or where gRPC listens."""
    text = options.server
    if not text or "://" in text:
        return text, None
    listens = stack.grpc.rpartition(":")[2] if stack and stack.grpc else None
    if _transport(options, environ) == GRPC or text.rpartition(":")[2] in {str(GRPC_PORT), listens}:
        return None, text
    return text, None


def _profile(name: str | None, environ: Mapping[str, str]) -> Profile | None:
    if name is None:
        return None
    profiles = Profiles.of(environ)
    if found := profiles.get(name):
        return found
    there = ", ".join(profiles.names()) or "none"
    raise BadUsage(f'there is no profile "{name}"', f"there are: {there}; `muster login --as {name}` makes it")


def _last_login(server: str | None, environ: Mapping[str, str]) -> Profile | None:
    profile = Profiles.of(environ).get(DEFAULT_PROFILE)
    return profile if profile and server in {None, profile.server} else None


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
