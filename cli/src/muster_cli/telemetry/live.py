"""Telemetry as it comes, over Socket.IO: the newest values first, and again after a connection was lost."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import socketio  # pyright: ignore[reportMissingTypeStubs]  # it has none; see the protocol below
from socketio.exceptions import (  # pyright: ignore[reportMissingTypeStubs]  # likewise
    ConnectionError as NotConnected,
)
from socketio.exceptions import SocketIOError  # pyright: ignore[reportMissingTypeStubs]  # likewise

from muster_cli.errors import CommandError, Refused, Unreachable
from muster_cli.problems import next_step
from muster_cli.sign_in import SignIn

MAX_DEVICES = 200
"""That one connection may watch by name."""

_TIMEOUT_S = 10
_WAIT_S, _WAIT_AT_MOST_S = 0.5, 15.0


@dataclass(frozen=True)
class Selection:
    """These devices, or those of a group; all of the organization's when it is neither."""

    devices: Sequence[str] | None = None
    group: int | None = None

    def payload(self) -> dict[str, Any]:
        chosen = {"devices": self.devices, "groups": None if self.group is None else [self.group]}
        return {"topics": ["telemetry"], **{name: value for name, value in chosen.items() if value is not None}}


@dataclass(frozen=True)
class Reported:
    """What a device has reported; `ts` is the time of the sample."""

    device_uid: str
    ts: datetime
    metrics: Mapping[str, bool | float | str]


class _Client(Protocol):
    """What is used of python-socketio."""

    def on(self, event: str, handler: Any) -> object: ...
    async def connect(self, url: str, *, auth: Any, transports: list[str], wait_timeout: int) -> None: ...
    async def call(self, event: str, data: Any) -> Any: ...
    async def disconnect(self) -> None: ...


class Tail:
    """Of one platform, for one person."""

    def __init__(self, server: str, sign_in: SignIn) -> None:
        self._server = server
        self._sign_in = sign_in
        self._was_connected = False

    async def reported(self, selection: Selection) -> AsyncGenerator[Reported]:
        """For ever. A connection that is lost is made again, and both are told on standard error.

        Raises Refused, and Unreachable when nothing answers at first.
        """
        failures = 0
        seen: dict[tuple[str, str], datetime] = {}
        while True:
            try:
                async with aclosing(self._connected(selection)) as told:
                    async for reported in told:
                        if reported is None:
                            if self._was_connected:
                                sys.stderr.write("connected again\n")
                            self._was_connected, failures = True, 0
                        elif fresh := _unseen(reported, seen):
                            yield fresh
            except Unreachable:
                if not self._was_connected:
                    raise
            if not failures:
                sys.stderr.write(f"the connection to {self._server} was lost; connecting again\n")
            failures += 1
            await asyncio.sleep(min(_WAIT_AT_MOST_S, _WAIT_S * 2 ** min(failures, 10)))

    async def _connected(self, selection: Selection) -> AsyncGenerator[Reported | None]:
        """Until the connection is lost; None first, once there is one."""
        heard: asyncio.Queue[Reported | None] = asyncio.Queue()
        client = cast("_Client", socketio.AsyncClient(reconnection=False))

        async def snapshot(part: Mapping[str, Any]) -> None:
            for latest in part["telemetry"]:
                for reported in _latest(latest):
                    heard.put_nowait(reported)

        async def frame(told: Mapping[str, Any]) -> None:
            for item in told["items"]:
                at = datetime.fromtimestamp(item["ts"] / 1000, UTC)
                heard.put_nowait(Reported(item["device_uid"], at, item["metrics"]))

        async def lost(*_reason: object) -> None:
            heard.put_nowait(None)

        client.on("snapshot", snapshot)
        client.on("telemetry", frame)
        client.on("disconnect", lost)
        await self._subscribe(client, selection)
        try:
            yield None
            while (reported := await heard.get()) is not None:
                yield reported
        finally:
            await client.disconnect()

    async def _subscribe(self, client: _Client, selection: Selection) -> None:
        token = await self._sign_in.bearer()
        refusals: list[object] = []

        async def refused(said: object) -> None:
            refusals.append(said)

        client.on("connect_error", refused)
        try:
            await client.connect(self._server, auth={"token": token}, transports=["websocket"], wait_timeout=_TIMEOUT_S)
            answer = await client.call("subscribe", selection.payload())
        except (NotConnected, SocketIOError) as error:
            await client.disconnect()
            raise _refusal(refusals[-1] if refusals else error, self._server) from None
        if not answer["ok"]:
            await client.disconnect()
            code = answer["error"]["code"]
            raise Refused(400, code, answer["error"]["detail"], next_step(code, 400))


def _latest(latest: Mapping[str, Any]) -> list[Reported]:
    """A device's newest values, those of one time together."""
    by_time: dict[datetime, dict[str, Any]] = {}
    for name, reading in latest["metrics"].items():
        by_time.setdefault(datetime.fromisoformat(reading["ts"]), {})[name] = reading["value"]
    return [Reported(latest["device_uid"], at, values) for at, values in sorted(by_time.items())]


def _unseen(reported: Reported, seen: dict[tuple[str, str], datetime]) -> Reported | None:
    """Without what was told before: a snapshot after a lost connection holds that too."""
    fresh = {
        name: value
        for name, value in reported.metrics.items()
        if seen.get((reported.device_uid, name), datetime.min.replace(tzinfo=UTC)) < reported.ts
    }
    seen.update({(reported.device_uid, name): reported.ts for name in fresh})
    return Reported(reported.device_uid, reported.ts, fresh) if fresh else None


def _refusal(said: object, server: str) -> CommandError:
    """Who is not let in is told why, in a document; all else is a connection that failed."""
    if isinstance(said, Mapping) and "data" in said:
        told = cast("Mapping[str, Any]", said)
        code = str(told["data"]["code"])
        return Refused(401, code, str(told["message"]), next_step(code, 401))
    why = "it did not answer" if isinstance(said, Mapping) else str(said) or type(said).__name__
    return Unreachable(f"no live stream at {server}: {why}", "`muster doctor` says what is not up")
