"""The ceiling of fan-out: python-socketio alone, which emits to a room when a client says so."""

import json
import sys
from typing import Any

import socketio
import uvicorn

from muster_stack.ports import LOOPBACK
from shared.garbage import collect_rarely


def build() -> Any:
    server = socketio.AsyncServer(async_mode="asgi")

    async def subscribe(sid: str, selection: dict[str, Any]) -> dict[str, Any]:
        for uid in selection["devices"]:
            await server.enter_room(sid, uid)
        return {"ok": True}

    async def pass_on(_sid: str, frame: dict[str, Any]) -> None:
        await server.emit("telemetry", {"items": frame["items"]}, to=frame["items"][0]["device_uid"])

    server.on("subscribe", subscribe)
    server.on("frame", pass_on)
    return socketio.ASGIApp(server)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    collect_rarely()
    uvicorn.run(
        build(), host=LOOPBACK, port=settings["port"], loop="uvloop", log_level="warning", timeout_graceful_shutdown=1
    )
