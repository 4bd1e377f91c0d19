import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shared.errors import ServiceUnavailable
from shared.messaging import isolation, topology
from shared.messaging.batches import Delivery, Rejected
from shared.messaging.connection import Broker
from shared.messaging.letters import QUEUE_HEADER, REASON_HEADER, ROUTING_KEY_HEADER
from shared.messaging.topology import TELEMETRY_QUEUE, dead_letters_of
from shared.testing import eventually
from shared.testing.proxy import proxied

from .harness import Recorder

DEAD = dead_letters_of(TELEMETRY_QUEUE)
FULL = timedelta(hours=1)
"""A linger after which only full batches are handled, however slowly their messages come."""


async def put(raw, *bodies: bytes) -> None:
    for body in bodies:
        await raw.put(TELEMETRY_QUEUE, body)


def numbers(count: int) -> list[bytes]:
    return [str(number).encode() for number in range(count)]


async def test_a_batch_waits_for_more_until_it_is_full(raw, handle: Recorder, consume):
    await put(raw, *numbers(5))
    consume(linger=FULL)
    await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))
    assert handle.batches == []
    await put(raw, *numbers(30)[5:])
    await eventually(lambda: len(handle.seen) == 30)
    assert [len(batch) for batch in handle.batches] == [10, 10, 10]
    assert handle.seen == numbers(30)


async def test_what_came_within_the_linger_is_handled_though_no_batch_is_full(raw, handle: Recorder, consume):
    await put(raw, *numbers(5))
    consume()
    await eventually(lambda: handle.seen == numbers(5))


async def test_beside_three_batches_under_way_a_fourth_waits_for_more_than_the_linger(raw, handle: Recorder, consume):
    handle.gate.clear()
    consume(linger_in_crowd=FULL, in_flight=4)
    await put(raw, b"0")
    await eventually(lambda: len(handle.batches) == 1)
    await put(raw, b"1")
    await eventually(lambda: len(handle.batches) == 2)
    await put(raw, b"2")
    await eventually(lambda: len(handle.batches) == 3)
    for body in numbers(13)[3:]:
        await put(raw, body)
        await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))
    await eventually(lambda: len(handle.batches) == 4)
    assert [len(batch) for batch in handle.batches] == [1, 1, 1, 10]


async def test_after_a_first_one_those_that_are_not_full_wait_for_their_turn(raw, handle: Recorder, consume):
    consume(apart=FULL)
    await put(raw, b"0")
    await eventually(lambda: handle.batches == [[b"0"]])
    for body in numbers(11)[1:]:
        await put(raw, body)
        await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))
    await eventually(lambda: [len(batch) for batch in handle.batches] == [1, 10])


async def test_one_acknowledgement_settles_a_batch(raw, handle: Recorder, consume, acknowledgements):
    await put(raw, *numbers(30))
    consume(linger=FULL)
    await eventually(lambda: len(acknowledgements) == 3)
    assert acknowledgements == [(10, True), (20, True), (30, True)]


async def test_batches_are_acknowledged_in_order_though_a_later_one_ends_first(raw, consume, acknowledgements):
    await put(raw, *numbers(20))
    first_may_end, second_ended = asyncio.Event(), asyncio.Event()

    async def uneven(deliveries: Sequence[Delivery]) -> list[Rejected]:
        if deliveries[0].body == b"0":
            await first_may_end.wait()
        else:
            second_ended.set()
        return []

    consume(handler=uneven, linger=FULL)
    await second_ended.wait()
    assert acknowledgements == []
    first_may_end.set()
    await eventually(lambda: len(acknowledgements) == 2)
    assert acknowledgements == [(10, True), (20, True)]


async def test_no_more_batches_are_under_way_than_agreed(raw, handle: Recorder, consume):
    await put(raw, *numbers(60))
    handle.gate.clear()
    consume(in_flight=2)
    await eventually(lambda: len(handle.batches) == 2)
    handle.gate.set()
    await eventually(lambda: len(handle.seen) == 60)


async def test_poison_is_dead_lettered_with_its_reason_and_stops_nothing_else(raw, handle: Recorder, consume):
    handle.poison = {b"3", b"7"}
    await raw.channel.basic_publish(b"3", exchange="amq.topic", routing_key="devices.pump.telemetry")
    await put(raw, b"1", b"7", b"2")
    consume(batch=4, linger=FULL)
    await eventually(lambda: _count(raw, DEAD, 2))
    letters = [await raw.take(DEAD) for _ in range(2)]
    assert [letter.body for letter in letters] == [b"3", b"7"]
    headers = letters[0].header.properties.headers
    assert headers[REASON_HEADER] == "bad metric name"
    assert headers[QUEUE_HEADER] == TELEMETRY_QUEUE
    assert headers[ROUTING_KEY_HEADER] == "devices.pump.telemetry"
    assert len(handle.batches) == 1
    await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))


async def test_a_store_away_keeps_the_batch_and_tries_it_again_in_place(
    raw, handle: Recorder, consume, acknowledgements
):
    handle.fails = [ServiceUnavailable("store away") for _ in range(isolation.CERTAIN_AFTER + 10)]
    await put(raw, *numbers(3))
    consume(batch=3, linger=FULL)
    await eventually(lambda: acknowledgements)
    assert handle.batches == [numbers(3)] * (isolation.CERTAIN_AFTER + 11)
    assert not any(delivery.redelivered for delivery in handle.deliveries)
    assert await raw.ready(DEAD) == 0


async def test_a_message_that_breaks_the_handler_is_found_and_the_others_are_stored(raw, handle: Recorder, consume):
    handle.fails_on = {b"4"}
    await put(raw, *numbers(8))
    consume(batch=8, linger=FULL)
    await eventually(lambda: _count(raw, DEAD, 1))
    letter = await raw.take(DEAD)
    assert letter.body == b"4"
    assert letter.header.properties.headers[REASON_HEADER] == "KeyError"
    alone = [batch[0] for batch in handle.batches if len(batch) == 1]
    assert alone == numbers(8)


async def test_when_every_message_fails_the_surroundings_are_suspected_first(
    raw, handle: Recorder, consume, acknowledgements
):
    handle.fails = [KeyError() for _ in range(isolation.SUSPECT_AFTER + 3)]
    await put(raw, *numbers(2))
    consume(batch=2, linger=FULL)
    await eventually(lambda: acknowledgements == [(2, True)])
    assert handle.batches[-2:] == [[b"0"], [b"1"]]
    assert await raw.ready(DEAD) == 0


async def test_a_message_alone_that_always_fails_is_given_up_in_the_end(raw, handle: Recorder, consume):
    handle.fails_on = {b"0"}
    await put(raw, b"0")
    consume(wait_at_most=timedelta(milliseconds=5))
    await eventually(lambda: _count(raw, DEAD, 1))
    assert len([batch for batch in handle.batches if batch == [b"0"]]) >= isolation.CERTAIN_AFTER


async def test_the_broker_gives_up_what_was_handed_out_too_often(raw, declared: Broker):
    await raw.put(topology.MONITORING_FLEET_QUEUE, b"kills its reader")
    for _ in range(topology.EVENT_DELIVERY_LIMIT + 1):
        message = await raw.channel.basic_get(topology.MONITORING_FLEET_QUEUE)
        await raw.channel.basic_nack(message.delivery_tag)
    await eventually(lambda: _count(raw, dead_letters_of(topology.MONITORING_FLEET_QUEUE), 1))
    letter = await raw.take(dead_letters_of(topology.MONITORING_FLEET_QUEUE))
    assert letter.header.properties.headers["x-first-death-reason"] == "delivery_limit"


async def test_a_batch_cancelled_by_what_it_waits_for_does_not_end_the_consumer(raw, handle: Recorder, consume):
    handle.fails = [asyncio.CancelledError()]
    running = consume(in_flight=1)
    await put(raw, *numbers(3))
    await eventually(lambda: handle.batches)
    await put(raw, b"3")
    await eventually(lambda: b"3" in handle.seen)
    await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))
    assert not running.done()


async def test_headers_too_large_to_travel_with_a_reason_are_left_out(raw, handle: Recorder, consume):
    handle.poison = {b"big"}
    await raw.put(TELEMETRY_QUEUE, b"big", headers={f"h{number}": "x" * 1_000 for number in range(100)})
    consume()
    await eventually(lambda: _count(raw, DEAD, 1))
    letter = await raw.take(DEAD)
    assert letter.header.properties.headers[REASON_HEADER] == "bad metric name"
    assert "h1" not in letter.header.properties.headers


async def test_stopping_finishes_the_batch_under_way_and_leaves_the_rest(
    raw, handle: Recorder, consume, acknowledgements
):
    await put(raw, *numbers(40))
    handle.gate.clear()
    running = consume(in_flight=1, linger=FULL)
    await eventually(lambda: handle.batches)
    running.cancel()
    await asyncio.sleep(0)
    handle.gate.set()
    await asyncio.wait([running])
    assert acknowledgements == [(10, True)]
    await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 30))


async def test_stopping_does_not_wait_for_a_store_that_is_away(raw, handle: Recorder, consume):
    await put(raw, *numbers(3))
    handle.fails = [ServiceUnavailable("away") for _ in range(1_000)]
    running = consume(drain=timedelta(milliseconds=200))
    await eventually(lambda: len(handle.batches) > 2)
    running.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait([running])
    await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 3))


async def test_a_lost_connection_empties_the_buffer_and_the_messages_come_again(
    amqp_url: str, declared: Broker, raw, handle: Recorder, consume, acknowledgements
):
    await put(raw, *numbers(40))
    handle.gate.clear()
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="cut") as broker:
        consume(broker, in_flight=1, linger=FULL)
        await eventually(lambda: handle.batches)
        proxy.cut()
        await eventually(lambda: len(handle.batches) == 2)
        assert acknowledgements == []
        handle.gate.set()
        await eventually(lambda: _count(raw, TELEMETRY_QUEUE, 0))
        await eventually(lambda: len(acknowledgements) == 4)
    assert acknowledgements == [(10, True), (20, True), (30, True), (40, True)]
    assert set(handle.seen) == set(numbers(40))
    assert handle.batches[0] == handle.batches[1] == numbers(10)


async def test_a_process_killed_in_the_middle_of_a_batch_loses_nothing(amqp_url: str, raw, handle: Recorder, consume):
    await put(raw, *numbers(25))
    program = str(Path(__file__).with_name("batch_process.py"))
    process = await asyncio.create_subprocess_exec(sys.executable, program, amqp_url, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(60):
        while await process.stdout.readline() != b"holds 10\n":
            pass
    process.kill()
    await process.wait()
    consume()
    await eventually(lambda: sorted(handle.seen, key=int) == numbers(25))
    assert await raw.ready(DEAD) == 0


async def test_a_queue_made_again_is_consumed_again(
    raw, handle: Recorder, consume, declared: Broker, caplog: pytest.LogCaptureFixture
):
    consume()
    await put(raw, b"before")
    await eventually(lambda: b"before" in handle.seen)
    await raw.channel.queue_delete(TELEMETRY_QUEUE)
    await eventually(lambda: "cancelled by the broker" in caplog.text)
    await topology.declare(declared, broker_events=None)
    await put(raw, b"after")
    await eventually(lambda: b"after" in handle.seen)


async def _count(raw, queue: str, count: int) -> bool:
    return await raw.ready(queue) == count
