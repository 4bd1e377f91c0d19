import asyncio
import logging
from datetime import timedelta

import pytest

from shared.contracts.routes import EVENTS_EXCHANGE
from shared.messaging import publisher as publishing
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.errors import BrokerAway, PublishRefused, PublishUnknown, Unroutable
from shared.messaging.messages import MAX_MESSAGE_BYTES
from shared.messaging.publisher import Message, Publisher
from shared.testing import eventually


async def test_a_message_is_in_its_queue_once_publish_returns(declared: Broker, publisher: Publisher, raw):
    await publisher.publish(
        Message(EVENTS_EXCHANGE, "device.registered.v1", b"{}", message_id="7", headers={"a": 1}, type="t")
    )
    message = await raw.take(topology.MONITORING_FLEET_QUEUE)
    properties = message.header.properties
    assert message.body == b"{}"
    assert (properties.message_id, properties.message_type, properties.delivery_mode) == ("7", "t", 2)
    assert properties.headers["a"] == 1


async def test_a_message_nobody_wants_is_reported(publisher: Publisher):
    with pytest.raises(Unroutable, match="nowhere"):
        await publisher.publish(Message("", "nowhere", b""))


async def test_a_message_nobody_wants_may_be_published_on_purpose(publisher: Publisher):
    await publisher.publish(Message("", "nowhere", b"", mandatory=False))


async def test_an_event_without_a_reader_is_kept_aside(declared: Broker, publisher: Publisher, raw):
    await publisher.publish(Message(EVENTS_EXCHANGE, "nobody.listens.v1", b"{}"))
    assert await raw.ready(topology.UNROUTED_QUEUE) == 1


async def test_outcomes_come_in_order_one_for_each_message(declared: Broker, publisher: Publisher, monkeypatch):
    monkeypatch.setattr(publishing, "WINDOW", 3)
    keys = [topology.TELEMETRY_QUEUE, "nowhere", topology.PRESENCE_QUEUE, "nowhere", topology.OTA_FLEET_QUEUE]
    outcomes = await publisher.publish_all([Message("", key, b"") for key in keys])
    assert [type(outcome) for outcome in outcomes] == [type(None), Unroutable, type(None), Unroutable, type(None)]


async def test_messages_of_one_id_do_not_answer_for_each_other(declared: Broker, publisher: Publisher):
    keys = [topology.TELEMETRY_QUEUE, "nowhere"] * 10
    outcomes = await publisher.publish_all([Message("", key, b"", message_id="same") for key in keys])
    assert [outcome is None for outcome in outcomes] == [True, False] * 10


async def test_calls_at_once_with_messages_of_one_id_do_not_answer_for_each_other(
    declared: Broker, publisher: Publisher
):
    async def publish(key: str) -> Exception | None:
        [outcome] = await publisher.publish_all([Message("", key, b"", message_id="same")])
        return outcome

    outcomes = await asyncio.gather(*map(publish, [topology.TELEMETRY_QUEUE, "nowhere"] * 5))
    assert [outcome is None for outcome in outcomes] == [True, False] * 5


async def test_bodies_of_any_size_arrive_whole_and_in_order(declared: Broker, publisher: Publisher, raw):
    bodies = [bytes([number]) * size for number, size in enumerate((0, 1, 131_064, 131_065, 400_000, 10))]
    assert set(await publisher.publish_all([Message("", topology.TELEMETRY_QUEUE, body) for body in bodies])) == {None}
    assert [(await raw.take(topology.TELEMETRY_QUEUE)).body for _ in bodies] == bodies


async def test_a_message_over_the_limit_is_refused_alone_and_the_broker_takes_one_at_it(
    declared: Broker, publisher: Publisher, raw
):
    bodies = [b"a", b"b" * (MAX_MESSAGE_BYTES + 1), b"c" * MAX_MESSAGE_BYTES]
    outcomes = await publisher.publish_all([Message("", topology.TELEMETRY_QUEUE, body) for body in bodies])
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]
    assert [(await raw.take(topology.TELEMETRY_QUEUE)).body for _ in range(2)] == [bodies[0], bodies[2]]


async def test_a_full_queue_refuses(publisher: Publisher, raw):
    await raw.channel.queue_declare(
        "small", durable=True, arguments={"x-queue-type": "classic", "x-max-length": 1, "x-overflow": "reject-publish"}
    )
    outcomes = await publisher.publish_all([Message("", "small", b"") for _ in range(3)])
    assert [type(outcome) for outcome in outcomes] == [type(None), PublishRefused, PublishRefused]


async def test_a_missing_exchange_means_away_and_the_next_publish_works(declared: Broker, publisher: Publisher):
    with pytest.raises(BrokerAway):
        await publisher.publish(Message("no-such-exchange", "x", b""))
    await publisher.publish(Message("", topology.TELEMETRY_QUEUE, b""))


async def test_a_message_that_cannot_be_written_stops_only_itself(declared: Broker, publisher: Publisher):
    outcomes = await publisher.publish_all(
        [
            Message("", topology.TELEMETRY_QUEUE, b""),
            Message("", "x" * 256, b""),
            Message("", topology.TELEMETRY_QUEUE, b""),
        ]
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_a_message_waits_no_longer_than_its_expiration(declared: Broker, publisher: Publisher, raw):
    await publisher.publish(Message("", topology.TELEMETRY_QUEUE, b"", expiration=timedelta(milliseconds=1)))

    async def gone() -> bool:
        return await raw.ready(topology.TELEMETRY_QUEUE) == 0

    await eventually(gone)


async def test_thousands_arrive_in_order(declared: Broker, publisher: Publisher, raw):
    outcomes = await publisher.publish_all(
        [Message("", topology.TELEMETRY_QUEUE, str(number).encode()) for number in range(2_000)]
    )
    assert set(outcomes) == {None}
    taken = [int((await raw.take(topology.TELEMETRY_QUEUE)).body) for _ in range(200)]
    assert taken == list(range(200))


async def test_publishing_without_a_broker_fails_at_once():
    async with Broker.open("amqp://guest:guest@127.0.0.1:1/", name="test") as broker:
        with pytest.raises(BrokerAway):
            await Publisher(broker).publish(Message("", "x", b""))


async def test_under_an_alarm_a_publish_times_out_as_unknown(declared: Broker, memory_alarm):
    publisher = Publisher(declared, timeout=timedelta(seconds=1))
    message = Message("", topology.TELEMETRY_QUEUE, b"")

    async def published() -> bool:
        await publisher.publish(message)
        return True

    async def unknown() -> bool:
        """Not of the first one: the broker takes what makes it stop reading."""
        [outcome] = await publisher.publish_all([message])
        return isinstance(outcome, PublishUnknown)

    await eventually(published)
    async with memory_alarm():
        await eventually(unknown)
    await eventually(published)


async def test_what_a_broker_under_an_alarm_does_not_read_is_not_piled_up(declared: Broker, memory_alarm):
    publisher = Publisher(declared, timeout=timedelta(seconds=1))
    message = Message("", topology.TELEMETRY_QUEUE, bytes(256 * 1024))

    async def published() -> bool:
        await publisher.publish(message)
        return True

    await eventually(published)
    async with memory_alarm():
        outcomes = await publisher.publish_all([message] * 100)
        kinds = [type(outcome) for outcome in outcomes]
        assert kinds == sorted(kinds, key=[type(None), PublishUnknown, BrokerAway].index)
        assert kinds.count(BrokerAway) > 50, "what did not fit into the sockets was never written"


async def test_a_message_that_the_library_logs_is_logged_without_what_is_in_it(
    declared: Broker, publisher: Publisher, raw, caplog
):
    await publisher.publish(Message("", topology.TELEMETRY_QUEUE, b"the secret"))
    message = await raw.take(topology.TELEMETRY_QUEUE)
    with caplog.at_level("ERROR", "aiormq"):
        logging.getLogger("aiormq.channel").error("Unhandled message %r returning", message)
    assert f"<to {topology.TELEMETRY_QUEUE}, 10 bytes>" in caplog.text
    assert "the secret" not in caplog.text
