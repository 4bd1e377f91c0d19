"""HTTP load from a process of its own: keep-alive connections that each send the next request when one is answered."""

import asyncio
import time
from typing import cast

from benchmarks import child


class _Client(asyncio.Protocol):
    """Counts answers; an answer other than 200 ends the measurement."""

    def __init__(self, request: bytes, failed: asyncio.Future[None]) -> None:
        self._request = request
        self._failed = failed
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self._fail(head.decode(errors="replace"))
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self._buffer = body[length:]
            self.answered += 1
            if self._transport is not None:
                self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._fail(f"connection lost: {exc}")

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _fail(self, reason: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(reason))


async def load(host: str, port: int, path: str, token: str, seconds: float, connections: int) -> float:
    """Answers a second."""
    loop = asyncio.get_running_loop()
    failed: asyncio.Future[None] = loop.create_future()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    clients = [
        (await loop.create_connection(lambda: _Client(request, failed), host, port))[1] for _ in range(connections)
    ]
    begun, before = time.perf_counter(), sum(client.answered for client in clients)
    await asyncio.wait([failed], timeout=seconds)
    rate = (sum(client.answered for client in clients) - before) / (time.perf_counter() - begun)
    if failed.done():
        failed.result()
    for client in clients:
        client.close()
    return rate


if __name__ == "__main__":
    child.main(load)
