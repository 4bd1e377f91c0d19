"""Devices of the Direct Device Integration in a process of their own: they register, poll, or take an update.

Each connection carries the devices of its share one after the other, each request once the one before is answered. A
request that is refused for the moment (429, 503) is sent again when the answer says, and counted.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import child

_ATTRIBUTES = {"mode": "merge", "data": {"hw_boardname": "default", "hw_revision": "default", "sw_version": "1.0.0"}}
_PROCEEDING = 4
"""Reports on the way."""
_FOR_THE_MOMENT = (b"http/1.1 429", b"http/1.1 503")
_MOST_REFUSALS = 20
"""Of one request in succession; a server that refuses more often does not serve."""


class Connection:
    """HTTP/1.1, kept alive. `refused` counts the requests that had to be sent again.

    An answer that is none of 2xx, and no refusal for the moment either, ends the measurement with RuntimeError.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.refused = 0

    async def ask(self, method: str, url: str, token: str, body: Any = None) -> bytes:
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        content = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: TargetToken {token}\r\n"
        if content:
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
        answer = b""
        for _ in range(_MOST_REFUSALS):
            self._writer.write(f"{head}\r\n".encode() + content)
            answer = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            length = int(_header(answer, b"content-length"))
            read = b"" if method == "HEAD" else await self._reader.readexactly(length)
            if answer.startswith(b"http/1.1 2"):
                return read
            if not answer.startswith(_FOR_THE_MOMENT):
                break
            self.refused += 1
            await asyncio.sleep(float(_header(answer, b"retry-after")))
        raise RuntimeError(f"{method} {path}: {answer.decode()}")

    async def read(self, url: str, token: str) -> Any:
        return json.loads(await self.ask("GET", url, token))


def _header(answer: bytes, name: bytes) -> bytes:
    """Of an answer in small letters; 0 when it is not there."""
    return answer.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip() or b"0"


@asynccontextmanager
async def _connected(host: str, port: int) -> AsyncGenerator[Connection]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def load(
    host: str, port: int, tenant: str, tokens: str, connections: int, work: str, seconds: float
) -> dict[str, float]:
    """How many devices, or polls, were done and in how many seconds, and how many requests were refused meanwhile.

    `tokens` is a JSON file of uids and tokens. `work` is `register` or `update`, of each device once, or `poll`. After
    so many `seconds` nothing is begun any more.
    """
    devices = _devices(Path(tokens))
    began = time.perf_counter()

    async def carry(share: list[tuple[str, str]]) -> tuple[int, int]:
        done = 0
        async with _connected(host, port) as connection:
            for uid, token in cycle(share) if work == "poll" else share:
                if time.perf_counter() - began > seconds:
                    break
                await _WORK[work](connection, f"/{tenant}/controller/v1/{uid}", token)
                done += 1
            return done, connection.refused

    shares = [devices[number::connections] for number in range(min(connections, len(devices)))]
    done, refused = map(sum, zip(*await asyncio.gather(*map(carry, shares)), strict=True))
    return {"done": done, "seconds": time.perf_counter() - began, "refused": refused}


def _devices(tokens: Path) -> list[tuple[str, str]]:
    return list(json.loads(tokens.read_text()).items())


async def _register(connection: Connection, base: str, token: str) -> None:
    found = await connection.read(base, token)
    await connection.ask("PUT", found["_links"]["configData"]["href"], token, _ATTRIBUTES)


async def _poll(connection: Connection, base: str, token: str) -> None:
    await connection.ask("GET", base, token)


async def _update(connection: Connection, base: str, token: str) -> None:
    """From the poll that finds it to its closing with success."""
    found = await connection.read(base, token)
    deployment = found["_links"]["deploymentBase"]["href"]
    document = await connection.read(deployment, token)
    [artifact] = document["deployment"]["chunks"][0]["artifacts"]
    links = artifact["_links"]
    href = (links.get("download-http") or links["download"])["href"]
    if len(await connection.ask("GET", href, token)) != artifact["size"]:
        raise RuntimeError(f"{base}: the artifact is not whole")
    feedback = f"{deployment.partition('?')[0]}/feedback"
    for number in range(_PROCEEDING):
        await connection.ask("POST", feedback, token, _report("proceeding", "none", f"step {number}"))
    await connection.ask("POST", feedback, token, _report("closed", "success", "done"))


def _report(execution: str, finished: str, detail: str) -> dict[str, Any]:
    return {"status": {"execution": execution, "result": {"finished": finished}, "details": [detail]}}


_WORK: dict[str, Callable[[Connection, str, str], Awaitable[None]]] = {
    "register": _register,
    "poll": _poll,
    "update": _update,
}


if __name__ == "__main__":
    child.main(load)
