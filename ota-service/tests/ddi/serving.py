"""The application on a port, for clients that are programs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.server import KEEP_ALIVE_SECONDS
from shared.testing import eventually


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Its address; the application's lifespan is the caller's."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, host="127.0.0.1", port=0, lifespan="off", log_level="critical", timeout_keep_alive=KEEP_ALIVE_SECONDS
        )
    )
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


class Stalling:
    """An application whose downloads stand still once `after` bytes were sent, until they are `over`."""

    def __init__(self, app: ASGIApp, after: int) -> None:
        self._app = app
        self._left = after
        self.stands = False
        self.over = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stalling(message: Message) -> None:
            if self._left <= 0:
                self.stands = True
                await self.over.wait()
            await send(message)
            self._left -= len(message.get("body", b""))

        is_download = "/artifacts/" in scope["path"] and scope["method"] == "GET"
        await self._app(scope, receive, stalling if is_download else send)


class Flaky:
    """An application whose first download breaks off once it has sent `after` bytes. `ranges` is what was asked for."""

    def __init__(self, app: ASGIApp, after: int) -> None:
        self._app = app
        self._left = after
        self.ranges: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "/artifacts/" not in scope["path"] or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        self.ranges.append(Headers(scope=scope).get("range"))
        breaks_off = len(self.ranges) == 1

        async def cutting(message: Message) -> None:
            # The server closes the connection of an answer that ends without its last bytes.
            if self._left > 0 or not breaks_off:
                await send(message)
            self._left -= len(message.get("body", b""))

        await self._app(scope, receive, cutting)
