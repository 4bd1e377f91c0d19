"""Live streams over Socket.IO: who may speak and how much, and how fast a client must listen. No rule of the domain."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from time import monotonic
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary, WeakSet

import socketio  # pyright: ignore[reportMissingTypeStubs]  # it has none; see the protocols below
import structlog
from prometheus_client import Counter
from pydantic import BaseModel
from socketio.exceptions import (  # pyright: ignore[reportMissingTypeStubs]  # likewise
    ConnectionRefusedError as Refused,
)
from starlette.types import ASGIApp

from monitoring.live.rules import Budget
from monitoring.live.service import LiveService
from shared.errors import DomainError
from shared.http.middleware import BodyLimit

MAX_EVENT_BYTES = 16 * 1024
SIGN_IN_SECONDS = 10.0
MESSAGES_A_SECOND = 20.0
MESSAGES_AT_ONCE = 60

_AHEAD = 2
"""Packets that a client may not have read yet when it is sent the next part of a snapshot."""

_LOOK_AGAIN_S = 0.02

_NAME_SAID_BACK = 64
"""So much of the name of an event that is not there."""

_CUT_OFF = Counter("muster_live_cut_off_total", "Live connections ended by the server", ["reason"])

_log = structlog.get_logger(__name__)

Verb = Callable[[str, Any], Awaitable[BaseModel | None]]


class _Packets(Protocol):
    def qsize(self) -> int: ...
    def empty(self) -> bool: ...
    def get_nowait(self) -> object: ...
    def put_nowait(self, packet: None) -> None: ...


class _Socket(Protocol):
    """A transport of python-engineio, which has no types. `queue` holds what the client has not read."""

    closed: bool
    queue: _Packets

    async def close(self, *, wait: bool, abort: bool) -> None: ...


class _Engine(Protocol):
    sockets: dict[str, _Socket]
    handlers: dict[str, Callable[[str, Any], Awaitable[None]]]


class _Manager(Protocol):
    def eio_sid_from_sid(self, sid: str, namespace: str) -> str: ...
    def is_connected(self, sid: str, namespace: str) -> bool:
        """False as well while the connection begins or ends."""
        ...


class _Server(Protocol):
    """What is used of python-socketio, which has no types either."""

    eio: _Engine
    manager: _Manager

    def on(self, event: str, handler: Callable[..., Awaitable[Any]]) -> object: ...
    async def emit(self, event: str, data: Any, to: str) -> None: ...
    async def enter_room(self, sid: str, room: str) -> None: ...
    async def leave_room(self, sid: str, room: str) -> None: ...
    async def disconnect(self, sid: str) -> None: ...


class Sockets:
    """The Socket.IO server of this replica, and so its `Clients`.

    `origins` are those whose pages may connect, besides the server's own. A client that leaves more than `unread`
    packets waiting is cut off: the queues of the library below have no end.
    """

    def __init__(self, *, origins: Collection[str], unread: int) -> None:
        quiet = logging.getLogger("socketio")
        quiet.setLevel(logging.WARNING)
        self._origins = frozenset(origins)
        self._unread = unread
        options: dict[str, Any] = {
            "cors_allowed_origins": self._is_allowed,
            "cors_credentials": False,
            "max_http_buffer_size": MAX_EVENT_BYTES,
            "logger": quiet,
            "engineio_logger": quiet,
        }
        self._server = cast("_Server", socketio.AsyncServer(async_mode="asgi", **options))
        self._engine = self._server.eio
        self._budgets: WeakKeyDictionary[_Socket, Budget] = WeakKeyDictionary()
        self._since: WeakKeyDictionary[_Socket, float] = WeakKeyDictionary()
        self._signed_in: WeakSet[_Socket] = WeakSet()
        self._guard_messages()

    def mount(self, app: ASGIApp, *, max_body_bytes: int) -> ASGIApp:
        """Socket.IO at /socket.io/, `app` everywhere else. Polling bodies are bounded before they are read."""
        return BodyLimit(socketio.ASGIApp(self._server, other_asgi_app=app), max_body_bytes)

    def serve(self, live: LiveService) -> None:
        """Answers clients with the verbs of `live`. Called once, before the server takes connections."""

        async def connect(sid: str, _environ: Any = None, auth: Any = None, *_more: Any) -> dict[str, Any] | None:
            if self._is_event(sid):
                return _no_event("connect")
            try:
                live.connect(sid, auth)
            except DomainError as error:
                raise Refused(error.detail, {"code": error.code}) from None
            self._signed_in.add(self._socket(sid))
            return None

        async def disconnect(sid: str, *_reason: Any) -> dict[str, Any] | None:
            if self._is_event(sid):
                return _no_event("disconnect")
            socket = self._socket(sid)
            self._signed_in.discard(socket)
            self._since[socket] = monotonic()
            await live.disconnect(sid)
            return None

        async def unknown(event: object, *_said: Any) -> dict[str, Any]:
            return _no_event(event)

        self._server.on("connect", connect)
        self._server.on("disconnect", disconnect)
        for name, verb in (
            ("subscribe", live.subscribe),
            ("unsubscribe", live.unsubscribe),
            ("authenticate", live.authenticate),
        ):
            self._server.on(name, _answering(verb))

        self._server.on("*", unknown)

    async def enter(self, sid: str, room: str) -> None:
        with suppress(ValueError):  # the connection ended meanwhile
            await self._server.enter_room(sid, room)

    async def leave(self, sid: str, room: str) -> None:
        await self._server.leave_room(sid, room)

    async def emit(self, event: str, data: Any, *, to: str) -> None:
        await self._server.emit(event, data, to=to)

    async def drained(self, sid: str) -> None:
        """At once for who listens; who does not is cut off in the end, which ends the wait too."""
        while (socket := self._open(sid)) is not None and socket.queue.qsize() > _AHEAD:  # noqa: ASYNC110 - the library tells nobody when it sends
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def disconnect(self, sid: str, reason: str) -> None:
        _CUT_OFF.labels(reason).inc()
        await self._server.disconnect(sid)

    async def sweep(self) -> None:
        """Ends connections that do not listen, and those that never signed in or have signed out."""
        now = monotonic()
        for socket in list(self._engine.sockets.values()):
            since = self._since.setdefault(socket, now)
            if socket.closed:
                _release(socket)
            elif socket.queue.qsize() > self._unread:
                await self._cut(socket, "slow")
            elif socket not in self._signed_in and now - since > SIGN_IN_SECONDS:
                await self._cut(socket, "not_signed_in")

    def _is_allowed(self, origin: str | None, environ: dict[str, Any]) -> bool:
        host = environ.get("HTTP_HOST")
        return origin in self._origins or (origin is not None and bool(host) and origin.partition("://")[2] == host)

    def _socket(self, sid: str) -> _Socket:
        return self._engine.sockets[self._server.manager.eio_sid_from_sid(sid, "/")]

    def _open(self, sid: str) -> _Socket | None:
        """None when the connection has ended."""
        try:
            socket = self._socket(sid)
        except KeyError:
            return None
        return None if socket.closed else socket

    def _is_event(self, sid: str) -> bool:
        """Whether a client that is in has said a handler's name itself: the library calls the handler for that too."""
        return self._server.manager.is_connected(sid, "/")

    def _guard_messages(self) -> None:
        """Counts every message before anything else looks at it, whatever it claims to be."""
        handle = self._engine.handlers["message"]

        async def guarded(engine_sid: str, data: Any) -> None:
            socket = self._engine.sockets.get(engine_sid)
            if socket is None or socket.closed:
                return
            now = monotonic()
            budget = self._budgets.get(socket)
            if budget is None:
                budget = self._budgets[socket] = Budget(rate=MESSAGES_A_SECOND, burst=MESSAGES_AT_ONCE, now=now)
            if budget.spend(now):
                await handle(engine_sid, data)
            else:
                await self._cut(socket, "flood")

        self._engine.handlers["message"] = guarded

    async def _cut(self, socket: _Socket, reason: str) -> None:
        """Ends a connection without waiting for its client, and lets go of what it has not read."""
        _CUT_OFF.labels(reason).inc()
        _log.info("live connection cut off", reason=reason)
        await socket.close(wait=False, abort=True)
        _release(socket)


def _release(socket: _Socket) -> None:
    """Lets go of what the client has not read, and of whoever waits for more to send to it."""
    while not socket.queue.empty():
        socket.queue.get_nowait()
    socket.queue.put_nowait(None)


def _answering(verb: Verb) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The handler of an event: its verb's result, or its error, as the acknowledgement."""

    async def handle(sid: str, payload: Any = None, *_ignored: Any) -> dict[str, Any]:
        try:
            answer = await verb(sid, payload)
        except DomainError as error:
            return _refusal(error.code, error.detail)
        except Exception:  # noqa: BLE001 - a client that waits for its acknowledgement gets one
            _log.exception("live event failed")
            return _refusal("internal_error", "something went wrong on our side")
        return {"ok": True} if answer is None else answer.model_dump(mode="json")

    return handle


def _refusal(code: str, detail: str) -> dict[str, Any]:
    return {"ok": False, "error": {"code": code, "detail": detail}}


def _no_event(name: object) -> dict[str, Any]:
    said = ascii(str(name)[:_NAME_SAID_BACK])
    return _refusal("unknown_event", f"there is no event {said}: say subscribe, unsubscribe or authenticate")
