"""Where a delivery goes, whatever names say from one moment to the next."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from device_management.webhooks.gateway import Receivers, client
from device_management.webhooks.models import Target
from shared.egress import AddressRefused, Egress

FIRST, SECOND = "127.0.0.2", "127.0.0.3"


@asynccontextmanager
async def answering(
    address: str, *, port: int = 0, tls: ssl.SSLContext | None = None, location: str | None = None
) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that keeps its connections, with its port and the hosts that it was asked for."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            headers = dict(line.lower().split(": ", 1) for line in head.decode().splitlines()[1:] if line)
            await reader.readexactly(int(headers["content-length"]))
            asked.append(headers["host"])
            way = f"302 Found\r\nLocation: {location}" if location else "200 OK"
            writer.write(f"HTTP/1.1 {way}\r\nContent-Length: 0\r\n\r\n".encode())

    async def until_it_leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(until_it_leaves, address, port, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1], asked


@pytest.fixture
def names(monkeypatch) -> dict[str, list[str]]:
    """What each name says: one address after the other, the last one for ever; all else says itself."""
    said: dict[str, list[str]] = {}

    async def getaddrinfo(_loop: object, host: str, port: int, **_: object) -> list[object]:
        left = said.get(host, [host])
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
    return said


@pytest.fixture
async def post() -> AsyncIterator[object]:
    """Posts to a URL by the platform's own client."""
    async with AsyncExitStack() as stack:

        async def post(url: str, *, allowed: str = "127.0.0.2/32", verify: ssl.SSLContext | bool = True) -> int:
            parts = httpx.URL(url)
            if verify not in clients:
                clients[verify] = await stack.enter_async_context(client(verify=verify))
            receivers = Receivers(clients[verify], Egress([ip_network(allowed)]))
            status, _ = await receivers.post(Target(url, parts.host, parts.port or 443), "{}", {})
            return status

        clients: dict[ssl.SSLContext | bool, httpx.AsyncClient] = {}
        yield post


@pytest.mark.parametrize("later", ["127.0.0.3", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.3"])
async def test_a_name_that_says_another_address_later_is_looked_at_again_and_never_followed(names, post, later):
    async with answering(FIRST) as (port, asked), answering(SECOND, port=port) as (_, inside):
        names["hook.test"] = [FIRST, later]
        assert await post(f"http://hook.test:{port}/") == 200
        assert asked == [f"hook.test:{port}"]
        for _ in range(2):
            with pytest.raises(AddressRefused):
                await post(f"http://hook.test:{port}/")
        assert (len(asked), inside) == (1, [])


async def test_a_redirect_is_an_answer_and_not_a_way(names, post):
    names["hook.test"] = [FIRST]
    async with answering(SECOND) as (inner, inside):
        async with answering(FIRST, location=f"http://{SECOND}:{inner}/") as (port, _):
            assert await post(f"http://hook.test:{port}/", allowed="127.0.0.0/8") == 302
        assert inside == []


async def test_names_with_one_address_do_not_share_a_connection_that_was_made_for_one_of_them(names, post, tmp_path):
    greeted: list[str | None] = []
    serving, trusting = contexts(tmp_path, ["a.test", "b.test"])
    serving.sni_callback = lambda _socket, name, _context: greeted.append(name)
    names.update({"a.test": [FIRST], "b.test": [FIRST]})
    async with answering(FIRST, tls=serving) as (port, asked):
        for name in ("a.test", "b.test", "a.test"):
            assert await post(f"https://{name}:{port}/", verify=trusting) == 200
    assert asked == [f"{name}:{port}" for name in greeted]


def contexts(directory: Path, names: list[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with these names, and of a client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    itself = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(itself, itself, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "server.pem"
    path.write_bytes(written + pem)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cadata=pem.decode())
