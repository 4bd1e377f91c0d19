"""The connection to a site's MQTT broker, by aiomqtt.

The session is persistent and a message is acknowledged only when it is settled, so what the site's broker sends while
the platform is away, restarts or cannot pass it on is delivered again. aiomqtt has no switch for that; the one of paho,
which it stands on, is used.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import aiomqtt

from device_management.bridges.errors import LinkLost, LinkRefused

_KEEPALIVE_S = 30
_TIMEOUT_S = 10.0
_LINGER_S = 0.02
_BUFFERED = 10_000
_REFUSALS = frozenset(
    {"Bad user name or password", "Not authorized", "Unsupported protocol version", "Client identifier not valid"}
)

_NO_WORDS = re.compile(r"^\[[^\]]*\] | \(_ssl\.c:\d+\)$")


@dataclass(frozen=True)
class Address:
    """Where to connect and as whom; `host` is what a TLS certificate must name."""

    host: str
    address: str
    port: int
    client_id: str
    username: str | None
    password: str | None
    tls: bool
    ca_certificate: str | None


@dataclass(frozen=True)
class Received:
    """One message, to be settled on the link it came from. `id` is MQTT's packet identifier."""

    id: int
    qos: int
    topic: str
    body: bytes


class Link(Protocol):
    """An open connection that is subscribed."""

    async def take(self, most: int) -> list[Received]:
        """At least one message, up to `most` of those that are there. Raises LinkLost."""
        ...

    def settle(self, messages: Sequence[Received]) -> None:
        """Acknowledges them to the site's broker."""
        ...


class _NamedContext(ssl.SSLContext):
    """Checks the certificate against the site's host name although the connection goes to its address."""

    host = ""

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        return super().wrap_socket(sock, *args, **{**kwargs, "server_hostname": self.host})


class MqttLink:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._messages = aiter(client.messages)

    async def take(self, most: int) -> list[Received]:
        with _errors():
            taken = [_received(await anext(self._messages))]
            await asyncio.sleep(_LINGER_S)
            while len(taken) < most and len(self._client.messages):
                taken.append(_received(await anext(self._messages)))
        return taken

    def settle(self, messages: Sequence[Received]) -> None:
        for message in messages:
            _paho(self._client).ack(message.id, message.qos)


@asynccontextmanager
async def open_link(address: Address, topic_filter: str) -> AsyncGenerator[Link]:
    """Connects and subscribes at QoS 1. Raises LinkRefused and LinkLost."""
    client = aiomqtt.Client(
        address.address,
        address.port,
        username=address.username,
        password=address.password,
        identifier=address.client_id,
        clean_session=False,
        keepalive=_KEEPALIVE_S,
        timeout=_TIMEOUT_S,
        max_queued_incoming_messages=_BUFFERED,
        tls_context=_tls(address) if address.tls else None,
    )
    _paho(client).manual_ack_set(True)
    with _errors():
        async with client:
            granted = await client.subscribe(topic_filter, qos=1)
            if any(_failed(code) for code in granted):
                raise LinkRefused(f"the broker refuses the subscription to {topic_filter}")
            yield MqttLink(client)


def _tls(address: Address) -> ssl.SSLContext:
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.host = address.host
    if address.ca_certificate is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cadata=address.ca_certificate)
    return context


@contextmanager
def _errors() -> Generator[None]:
    try:
        yield
    except aiomqtt.MqttError as error:
        reason = str(getattr(error, "rc", "")) or _in_words(error) or "the connection was lost"
        raise (LinkRefused(reason) if reason in _REFUSALS else LinkLost(reason)) from None
    except (OSError, StopAsyncIteration) as error:
        raise LinkLost(_in_words(error) or type(error).__name__) from None


def _in_words(error: Exception) -> str:
    """Without what only says where in the system it came about: `[Errno 111] Connection refused`."""
    return _NO_WORDS.sub("", str(error))


def _received(message: aiomqtt.Message) -> Received:
    return Received(message.mid, message.qos, str(message.topic), message.payload)


def _failed(code: Any) -> bool:
    return bool(getattr(code, "is_failure", False)) or (isinstance(code, int) and code >= 0x80)


def _paho(client: aiomqtt.Client) -> Any:
    return client._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - see the module
