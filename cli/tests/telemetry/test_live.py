"""`telemetry tail` while the platform goes away and comes back, over real Socket.IO."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
import socketio
import uvicorn

from muster_cli.errors import Refused, Unreachable
from muster_cli.sign_in import KeySignIn
from muster_cli.telemetry import live
from muster_cli.telemetry.live import Selection, Tail
from shared.http.server import KEEP_ALIVE_SECONDS
from shared.testing import eventually

KEY = "key-1"
START = 1_767_323_045


class Monitoring:
    """Answers a subscription with a snapshot of `latest`, and can be stopped and started at one address.

    That is held meanwhile, or another program's connection could begin at it.
    """

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.port: int = self._held.getsockname()[1]
        self.latest: dict[str, float] = {}
        self.at = START
        self.subscriptions: list[object] = []
        self.key = KEY

    async def start(self) -> None:
        self.sockets = socketio.AsyncServer(async_mode="asgi")
        self.sockets.on("connect", self._connect)
        self.sockets.on("subscribe", self._subscribe)
        config = uvicorn.Config(
            socketio.ASGIApp(self.sockets),
            host="127.0.0.1",
            port=self.port,
            log_level="critical",
            lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve())
        await eventually(lambda: self._server.started)

    async def stop(self) -> None:
        """As a process does that is killed: no goodbye."""
        self._server.force_exit = self._server.should_exit = True
        await self._serving
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

    def close(self) -> None:
        self._held.close()

    async def report(self, **metrics: float) -> None:
        self.at += 1
        self.latest |= metrics
        items = [{"device_uid": "pump-1", "ts": self.at * 1000, "metrics": metrics}]
        await self.sockets.emit("telemetry", {"items": items})

    async def _connect(self, _sid: str, _environ: object, auth: dict[str, str]) -> None:
        if auth["token"] != self.key:
            raise socketio.exceptions.ConnectionRefusedError("the token is no good", {"code": "invalid_token"})

    async def _subscribe(self, sid: str, payload: object) -> dict[str, object]:
        self.subscriptions.append(payload)
        at = datetime.fromtimestamp(self.at, UTC).isoformat()
        metrics = {name: {"ts": at, "value": value} for name, value in self.latest.items()}
        await self.sockets.emit("snapshot", {"telemetry": [{"device_uid": "pump-1", "metrics": metrics}]}, to=sid)
        return {"ok": True}


@pytest.fixture
async def monitoring(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Monitoring]:
    monkeypatch.setattr(live, "_WAIT_S", 0.05)
    there = Monitoring()
    await there.start()
    yield there
    await there.stop()
    there.close()


def tail(monitoring: Monitoring) -> Tail:
    return Tail(f"http://127.0.0.1:{monitoring.port}", KeySignIn(KEY))


async def test_it_goes_on_when_the_platform_comes_back_and_tells_so(
    monitoring: Monitoring, capsys: pytest.CaptureFixture[str]
):
    monitoring.latest = {"temperature": 20.0}
    async with aclosing(tail(monitoring).reported(Selection(["pump-1"]))) as told:
        assert (await anext(told)).metrics == {"temperature": 20.0}
        await monitoring.report(temperature=21.0)
        assert (await anext(told)).metrics == {"temperature": 21.0}
        await monitoring.stop()
        again = asyncio.create_task(anext(told))
        said = ""

        def lost() -> bool:
            nonlocal said
            said += capsys.readouterr().err
            return "lost" in said

        await eventually(lost)
        assert said == f"the connection to http://127.0.0.1:{monitoring.port} was lost; connecting again\n"
        monitoring.at, monitoring.latest = monitoring.at + 1, {"temperature": 22.0}
        await monitoring.start()
        assert (await again).metrics == {"temperature": 22.0}
        assert capsys.readouterr().err == "connected again\n"
        await monitoring.report(temperature=23.0)
        assert (await anext(told)).metrics == {"temperature": 23.0}
    assert monitoring.subscriptions == [{"topics": ["telemetry"], "devices": ["pump-1"]}] * 2


async def test_it_waits_for_the_platform_also_when_nothing_was_reported_yet(monitoring: Monitoring):
    async with aclosing(tail(monitoring).reported(Selection())) as told:
        first = asyncio.create_task(anext(told))
        await eventually(lambda: monitoring.subscriptions)
        await monitoring.stop()
        await asyncio.wait([first], timeout=0.3)
        await monitoring.start()
        await eventually(lambda: len(monitoring.subscriptions) == 2)
        await monitoring.report(temperature=21.0)
        assert (await first).metrics == {"temperature": 21.0}


async def test_what_was_told_before_is_not_told_again(monitoring: Monitoring):
    monitoring.latest = {"temperature": 20.0, "level": 3.0}
    async with aclosing(tail(monitoring).reported(Selection())) as told:
        assert len((await anext(told)).metrics) == 2
        await monitoring.stop()
        await monitoring.start()
        again = asyncio.create_task(anext(told))
        await eventually(lambda: len(monitoring.subscriptions) == 2)
        await monitoring.report(level=4.0)
        assert (await again).metrics == {"level": 4.0}


async def test_a_key_that_was_revoked_meanwhile_ends_it(monitoring: Monitoring):
    monitoring.latest = {"temperature": 20.0}
    async with aclosing(tail(monitoring).reported(Selection())) as told:
        await anext(told)
        await monitoring.stop()
        monitoring.key = "another"
        await monitoring.start()
        with pytest.raises(Refused, match="invalid_token"):
            await anext(told)


async def test_a_platform_that_is_not_there_at_first_is_told_at_once(monitoring: Monitoring):
    await monitoring.stop()
    with pytest.raises(Unreachable, match="no live stream at"):
        await anext(tail(monitoring).reported(Selection()))
    await monitoring.start()
