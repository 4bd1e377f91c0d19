"""One connection of one device: no thread, no task and one timer, so that its cost is its socket and little more."""

import asyncio
from collections.abc import Callable
from typing import cast

from muster_cli.mqtt import packets
from muster_cli.mqtt.packets import Delivery, MalformedPacket, PacketReader, PacketType, Will

_LOGIN_TIMEOUT_S = 15.0
_CONFIRM_TIMEOUT_S = 10.0
_KEEP_ALIVE_S = 60
_LAST_PACKET_ID = 65_535
_MAX_UNREAD_BYTES = 64 * 1024
_REFUSALS = {  # 3.2.2.3
    1: "unacceptable protocol version",
    2: "client id rejected",
    3: "server unavailable",
    4: "bad user name or password",
    5: "not authorised",
}


class MqttError(Exception):
    """The connection cannot be used (any more)."""


class LoginRefused(MqttError):
    """The broker answered CONNECT with a return code other than 0."""


class ConnectionLost(MqttError):
    """No connection, or one that ended before the broker had confirmed what was sent."""


class SubscriptionRefused(MqttError):
    """The broker answered SUBSCRIBE with a failure."""


OnMessage = Callable[[str, bytes], None]


class MqttConnection(asyncio.Protocol):
    """Publishes and subscribes with QoS 1, in a session that ends with the connection.

    Between two pings the broker must answer, else the connection counts as lost; a packet that it must not send ends
    the connection, and so does what it does not confirm in 10 s: a channel of the broker's can end while the connection
    stands. No message waits in here: each is handed on and confirmed as it arrives.
    """

    __slots__ = (
        "_accepted",
        "_ended",
        "_heard",
        "_loop",
        "_on_lost",
        "_on_message",
        "_packet_id",
        "_reader",
        "_signed_in",
        "_timer",
        "_transport",
        "_unconfirmed",
    )

    def __init__(self, on_lost: Callable[[], None], on_message: OnMessage | None = None) -> None:
        """`on_lost` is called once a connection has ended, however it ended; `on_message` with topic and payload."""
        self._on_lost = on_lost
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._reader = PacketReader()
        self._transport: asyncio.Transport | None = None
        self._signed_in = False
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._unconfirmed: dict[int, asyncio.Future[int]] = {}
        self._packet_id = 0
        self._heard = False
        self._timer: asyncio.TimerHandle | None = None

    async def open(self, host: str, port: int, *, uid: str, token: str, will: Will) -> None:
        """Connects and signs in: user name and client id are `uid`. Raises LoginRefused or ConnectionLost."""
        login = packets.connect(client_id=uid, username=uid, password=token, keep_alive=_KEEP_ALIVE_S, will=will)
        try:
            async with asyncio.timeout(_LOGIN_TIMEOUT_S):
                await self._loop.create_connection(lambda: self, host, port)
                self._send(login)
                await self._accepted
        except TimeoutError:
            raise ConnectionLost("no answer to a login") from None
        except OSError as error:
            raise ConnectionLost(error.strerror or str(error)) from None
        finally:
            if not self._signed_in and self._transport is not None:
                self._abort()
                await self._ended
        self._timer = self._loop.call_later(_KEEP_ALIVE_S / 2, self._keep_alive)

    @property
    def signed_in(self) -> bool:
        """Whether the broker has accepted the login and the connection still stands."""
        return self._signed_in

    async def publish(self, topic: str, payload: bytes) -> None:
        """Returns when the broker has confirmed. Raises ConnectionLost: the message may or may not have arrived."""
        packet_id = self._free_packet_id()
        await self._confirmed(packet_id, packets.publish(topic=topic, payload=payload, packet_id=packet_id))

    async def subscribe(self, topic: str) -> None:
        """Returns when messages on `topic` arrive from now on. Raises SubscriptionRefused or ConnectionLost."""
        packet_id = self._free_packet_id()
        code = await self._confirmed(packet_id, packets.subscribe(topic=topic, packet_id=packet_id))
        if code > 1:
            raise SubscriptionRefused(f"subscription refused: {topic}")

    async def close(self) -> None:
        """Says goodbye, so that the broker publishes no will, and waits until the connection has ended."""
        if self._transport is not None:
            self._send(packets.DISCONNECT)
            self._transport.close()
        await self._ended

    def cut(self) -> None:
        """Ends the connection without a word, as a network that goes away does: the broker publishes the will."""
        self._abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            for kind, flags, body in self._reader.feed(data):
                self._received(kind, flags, body)
        except MalformedPacket:
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._signed_in = False
        if self._timer is not None:
            self._timer.cancel()
        for waiting in (self._accepted, *self._unconfirmed.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionLost("connection lost"))
        if not self._ended.done():
            self._ended.set_result(None)
        self._on_lost()

    def _received(self, kind: int, flags: int, body: bytes) -> None:
        if kind == PacketType.PUBLISH:
            self._delivered(packets.read_publish(flags, body))
        elif flags:
            raise MalformedPacket(f"flags {flags} in a packet of type {kind}")
        elif kind == PacketType.PUBACK:
            self._confirm(packets.read_puback(body), 0)
        elif kind == PacketType.SUBACK:
            self._confirm(*packets.read_suback(body))
        elif kind == PacketType.CONNACK and not self._accepted.done():
            code = packets.read_connack(body)
            if code == 0:
                self._signed_in = True
                self._accepted.set_result(None)
            else:
                self._accepted.set_exception(LoginRefused(f"login refused: {_REFUSALS.get(code, code)}"))
        elif kind != PacketType.PINGRESP:
            raise MalformedPacket(f"a packet of type {kind}")

    def _delivered(self, delivery: Delivery) -> None:
        """Handed on, then confirmed. Confirmations that the broker does not read end the connection."""
        if not self._signed_in:
            raise MalformedPacket("a message before the login")
        if self._on_message is not None:
            self._on_message(delivery.topic, delivery.payload)
        if delivery.packet_id is not None and self._transport is not None:
            self._send(packets.puback(delivery.packet_id))
            if self._transport.get_write_buffer_size() > _MAX_UNREAD_BYTES:
                self._abort()

    async def _confirmed(self, packet_id: int, packet: bytes) -> int:
        """The return code with which the broker confirms the packet."""
        if not self._signed_in:
            raise ConnectionLost("connection lost")
        confirmed = self._unconfirmed[packet_id] = self._loop.create_future()
        self._send(packet)
        try:
            async with asyncio.timeout(_CONFIRM_TIMEOUT_S):
                return await confirmed
        except TimeoutError:
            self._abort()
            raise ConnectionLost("no confirmation") from None
        finally:
            del self._unconfirmed[packet_id]

    def _confirm(self, packet_id: int, code: int) -> None:
        confirmed = self._unconfirmed.get(packet_id)
        if confirmed is not None and not confirmed.done():
            confirmed.set_result(code)

    def _keep_alive(self) -> None:
        """Every half of the keep-alive time: a broker that has said nothing since the last ping is gone (3.1.2.10)."""
        if not self._heard:
            self._abort()
            return
        self._heard = False
        self._send(packets.PINGREQ)
        self._timer = self._loop.call_later(_KEEP_ALIVE_S / 2, self._keep_alive)

    def _free_packet_id(self) -> int:
        """An id that no unconfirmed message has (2.3.1)."""
        while True:
            self._packet_id = self._packet_id % _LAST_PACKET_ID + 1
            if self._packet_id not in self._unconfirmed:
                return self._packet_id

    def _send(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
