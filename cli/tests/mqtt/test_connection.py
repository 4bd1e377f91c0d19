"""A connection against brokers that misbehave; `simulator/test_fleet.py` shows it on a real one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from muster_cli.mqtt import connection as connection_module
from muster_cli.mqtt.connection import ConnectionLost, LoginRefused, MqttConnection, OnMessage, SubscriptionRefused
from muster_cli.mqtt.packets import Will

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ACCEPTED = b"\x20\x02\x00\x00"


@asynccontextmanager
async def connected_to(
    talk: Conversation, on_message: OnMessage | None = None, on_lost: Callable[[], None] = lambda: None
) -> AsyncIterator[Callable[[], Awaitable[MqttConnection]]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await talk(reader, writer)
        writer.close()

    async def sign_in() -> MqttConnection:
        connection = MqttConnection(on_lost, on_message)
        await connection.open(
            "127.0.0.1", server.sockets[0].getsockname()[1], uid="d", token="t", will=Will("w", b"gone")
        )
        return connection

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield sign_in


async def accept(reader, writer):
    await reader.read(1_000)
    writer.write(ACCEPTED)


async def test_a_refusal_is_told_in_words():
    async def refuse(reader, writer):
        await reader.read(1_000)
        writer.write(b"\x20\x02\x00\x05")

    async with connected_to(refuse) as sign_in:
        with pytest.raises(LoginRefused, match="login refused: not authorised"):
            await sign_in()


async def test_a_broker_that_hangs_up_during_the_login_is_a_lost_connection():
    async def hang_up(reader, writer):
        await reader.read(1_000)

    async with connected_to(hang_up) as sign_in:
        with pytest.raises(ConnectionLost):
            await sign_in()


async def test_nothing_is_confirmed_when_the_connection_ends_first():
    async def hang_up_on_publish(reader, writer):
        await accept(reader, writer)
        await reader.read(1_000)

    async with connected_to(hang_up_on_publish) as sign_in:
        connection = await sign_in()
        with pytest.raises(ConnectionLost):
            await connection.publish("devices/d/telemetry", b"{}")
        assert not connection.signed_in
        with pytest.raises(ConnectionLost):
            await connection.publish("devices/d/telemetry", b"{}")
        await connection.close()


async def test_a_broker_that_does_not_confirm_is_a_lost_connection(monkeypatch):
    monkeypatch.setattr(connection_module, "_CONFIRM_TIMEOUT_S", 0.05)

    async def say_nothing(reader, writer):
        await accept(reader, writer)
        await reader.read()

    async with connected_to(say_nothing) as sign_in:
        connection = await sign_in()
        with pytest.raises(ConnectionLost, match="no confirmation"):
            await asyncio.wait_for(connection.publish("devices/d/telemetry", b"{}"), 60)
        await connection.close()
        assert not connection.signed_in


async def test_a_refused_connection_has_ended_when_that_is_told():
    async def refuse(reader, writer):
        await reader.read(1_000)
        writer.write(b"\x20\x02\x00\x05")
        await reader.read()

    ended = []
    async with connected_to(refuse, on_lost=lambda: ended.append(True)) as sign_in:
        with pytest.raises(LoginRefused):
            await sign_in()
        assert ended


async def test_confirmations_may_come_in_any_order():
    async def confirm_backwards(reader, writer):
        await accept(reader, writer)
        await reader.readexactly(2 * 10)
        writer.write(b"\x40\x02\x00\x02" + b"\x40\x02\x00\x01")
        await reader.read(1_000)

    async with connected_to(confirm_backwards) as sign_in:
        connection = await sign_in()
        order = []
        first = asyncio.create_task(connection.publish("abc", b"1"))
        second = asyncio.create_task(connection.publish("abc", b"2"))
        first.add_done_callback(lambda _: order.append(1))
        second.add_done_callback(lambda _: order.append(2))
        await asyncio.wait_for(asyncio.gather(first, second), 60)
        assert order == [2, 1]
        await connection.close()


async def test_a_message_is_handed_on_and_confirmed():
    confirmations = asyncio.get_running_loop().create_future()

    async def deliver(reader, writer):
        await accept(reader, writer)
        assert await reader.readexactly(10) == b"\x82\x08\x00\x01\x00\x03a/b\x01"
        writer.write(b"\x90\x03\x00\x01\x01")
        writer.write(b"\x32\x0c\x00\x03a/b\x00\x07hello" + b"\x30\x08\x00\x03a/byou")
        confirmations.set_result(await reader.readexactly(4))
        await reader.read(1_000)

    heard = []
    async with connected_to(deliver, lambda *message: heard.append(message)) as sign_in:
        connection = await sign_in()
        await connection.subscribe("a/b")
        assert await asyncio.wait_for(confirmations, 60) == b"\x40\x02\x00\x07"
        assert heard == [("a/b", b"hello"), ("a/b", b"you")]
        await connection.close()


async def test_a_refused_subscription_is_told():
    async def refuse(reader, writer):
        await accept(reader, writer)
        await reader.read(1_000)
        writer.write(b"\x90\x03\x00\x01\x80")
        await reader.read(1_000)

    async with connected_to(refuse) as sign_in:
        connection = await sign_in()
        with pytest.raises(SubscriptionRefused, match="subscription refused: a/b"):
            await connection.subscribe("a/b")
        await connection.close()


@pytest.mark.parametrize(
    "packet",
    [
        b"\x34\x07\x00\x03a/b\x00\x07",  # QoS 2
        b"\x32\x05\x00\x09a/b",  # a topic longer than its packet
        b"\x82\x08\x00\x01\x00\x03a/b\x01",  # what only a client sends
        b"\x20\x02\x00\x00",  # a second CONNACK
        b"\x41\x02\x00\x01",  # reserved flags
        b"\x90\x02\x00\x01",  # SUBACK without a return code
    ],
)
async def test_a_packet_that_a_broker_must_not_send_ends_the_connection(packet):
    async def misbehave(reader, writer):
        await accept(reader, writer)
        writer.write(packet)
        await reader.read(1_000)

    heard = []
    async with connected_to(misbehave, lambda *message: heard.append(message)) as sign_in:
        connection = await sign_in()
        with pytest.raises(ConnectionLost):
            await connection.subscribe("a/b")
        assert heard == []


async def test_a_broker_that_floods_and_reads_nothing_is_cut_off():
    cut_off = asyncio.get_running_loop().create_future()

    async def flood(reader, writer):
        await accept(reader, writer)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        writer.transport.pause_reading()
        try:
            while True:
                writer.write(b"\x32\x07\x00\x03a/b\x00\x07" * 10_000)
                await writer.drain()
        except OSError:
            cut_off.set_result(True)

    async with connected_to(flood, lambda *_message: None) as sign_in:
        connection = await sign_in()
        connection._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        assert await asyncio.wait_for(cut_off, 60)


async def test_what_is_no_mqtt_ends_the_connection():
    async def talk_nonsense(reader, writer):
        await accept(reader, writer)
        writer.write(b"\x40\xff\xff\xff\xff\xff")
        await reader.read(1_000)

    async with connected_to(talk_nonsense) as sign_in:
        connection = await sign_in()
        with pytest.raises(ConnectionLost):
            await connection.publish("devices/d/telemetry", b"{}")


async def test_closing_says_goodbye():
    said = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        await accept(reader, writer)
        said.set_result(await reader.read(1_000))

    async with connected_to(listen) as sign_in:
        connection = await sign_in()
        await connection.close()
        assert await asyncio.wait_for(said, 60) == b"\xe0\x00"
