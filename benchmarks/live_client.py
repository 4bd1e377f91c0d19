"""A Socket.IO client over WebSocket that costs next to nothing, so that hundreds of them do not measure themselves.

It speaks what the benchmarks need of RFC 6455, Engine.IO 4 and Socket.IO 5: text messages, both kinds of ping, one
acknowledgement at a time. Python's own client costs as much a message as the server it would measure.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

_TEXT, _CLOSE, _PING, _PONG = 0x1, 0x8, 0x9, 0xA
_ANSWER_S = 30.0
_STALLED_BUFFER = 16 * 1024

OnEvent = Callable[[bytes], None]


class ConnectionEnded(Exception):
    """The server has closed the connection, or refused it."""


class LiveClient(asyncio.Protocol):
    """`on_event` gets each event as the server wrote it: `42["telemetry",{...}]`."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._buffer = b""
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None

    @property
    def connected(self) -> bool:
        return self._transport is not None

    async def open(self, host: str, port: int, auth: Any, *, small_buffer: bool = False) -> None:
        """Connects and signs in. `small_buffer` makes a client that stops reading felt soon. Raises ConnectionEnded."""
        endpoint = socket.socket()
        endpoint.setblocking(False)
        if small_buffer:
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_BUFFER)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(endpoint, (host, port))
        self._answer = loop.create_future()
        await loop.create_connection(lambda: self, sock=endpoint)
        assert self._transport is not None
        self._transport.write(
            (
                f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}:{port}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            ).encode()
        )
        await asyncio.wait_for(self._answer, _ANSWER_S)
        await self._ask(b"40" + json.dumps(auth).encode())

    async def call(self, event: str, payload: Any) -> Any:
        """Emits, and returns what the server acknowledges with."""
        answer = await self._ask(b"420" + json.dumps([event, payload]).encode())
        return json.loads(answer.removeprefix(b"430"))[0]

    def emit(self, event: str, payload: Any) -> None:
        self._send(b"42" + json.dumps([event, payload]).encode())

    def stall(self) -> None:
        """Reads nothing from now on, and stays connected."""
        if self._transport is not None:
            self._transport.pause_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionEnded(str(exc or "closed by the server")))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in head:
                self.close()
                return
            self._upgraded, self._buffer = True, rest
        self._read_frames()

    async def _ask(self, packet: bytes) -> bytes:
        self._answer = asyncio.get_running_loop().create_future()
        self._send(packet)
        return await asyncio.wait_for(self._answer, _ANSWER_S)

    def _read_frames(self) -> None:
        """5.2: the server's frames are not masked; it sends no fragments."""
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            size, head = buffer[at + 1] & 0x7F, 2
            if size >= 126:
                head = 4 if size == 126 else 10
                if len(buffer) - at < head:
                    break
                size = int.from_bytes(buffer[at + 2 : at + head], "big")
            if len(buffer) - at < head + size:
                break
            self._read(buffer[at] & 0xF, buffer[at + head : at + head + size])
            at += head + size
        self._buffer = buffer[at:]

    def _read(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._send(payload, _PONG)
        elif opcode == _CLOSE:
            self.close()
        elif payload == b"2":
            self._send(b"3")
        elif payload.startswith(b"42"):
            self._on_event(payload)
        elif payload.startswith(b"44"):
            self.close()
        elif payload.startswith((b"0", b"40", b"430")) and self._answer is not None and not self._answer.done():
            self._answer.set_result(payload)

    def _send(self, payload: bytes, opcode: int = _TEXT) -> None:
        """5.3: a client masks; the key 0 changes nothing."""
        if self._transport is None:
            raise ConnectionEnded
        size = len(payload)
        length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        self._transport.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)
