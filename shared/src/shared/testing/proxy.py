"""A TCP proxy between client and broker: to cut and refuse connections, and to stop what flows through them."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._away = False
        self._to_broker = asyncio.Event()
        self._from_broker = asyncio.Event()
        self.held = 0
        """Pieces that wait to flow, in either direction."""
        self.let_go()

    def cut(self) -> None:
        """Every connection is reset; new ones are let through."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    @contextmanager
    def away(self) -> Generator[None]:
        """Until the block ends every connection is reset, new ones too."""
        self._away = True
        self.cut()
        try:
            yield
        finally:
            self._away = False

    def hold(self) -> None:
        """Nothing flows towards the broker any more, as when it stops reading under an alarm."""
        self._to_broker.clear()

    def fall_silent(self) -> None:
        """Nothing flows in either direction, and nobody is told."""
        self._to_broker.clear()
        self._from_broker.clear()

    def let_go(self) -> None:
        self._to_broker.set()
        self._from_broker.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._away:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, there_writer}
        await asyncio.gather(
            self._pump(reader, there_writer, self._to_broker), self._pump(there_reader, writer, self._from_broker)
        )

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
        try:
            while data := await reader.read(65_536):
                self.held += 1
                try:
                    await flowing.wait()
                finally:
                    self.held -= 1
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self._writers.discard(writer)


@asynccontextmanager
async def proxied(url: str) -> AsyncGenerator[tuple[Proxy, str]]:
    """A proxy to the server of `url`, and the URL that leads through it."""
    parts = urlsplit(url)
    proxy = Proxy(parts.hostname or "", parts.port or 0)
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    netloc = f"{parts.username}:{parts.password}@127.0.0.1:{port}"
    try:
        yield proxy, urlunsplit(parts._replace(netloc=netloc))
    finally:
        server.close()
        proxy.let_go()
        proxy.cut()
