"""What is taken out of a connection's stream, and what goes on to aiormq."""

import random

import pytest
from aiormq import spec
from pamqp import frame
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from shared.messaging.deliveries import Delivery
from shared.messaging.reception import Reception, remembered

CHANNEL, OTHER = 3, 4
HEARTBEAT = Heartbeat().marshal()


def deliver(
    tag: int, *parts: bytes, channel: int = CHANNEL, consumer: str = "telemetry", redelivered: bool = False
) -> list[bytes]:
    """The frames of a delivery whose body comes in these parts."""
    header = ContentHeader(
        body_size=sum(map(len, parts)), properties=spec.Basic.Properties(message_id=f"m{tag % 3}", delivery_mode=2)
    )
    return [
        frame.marshal(
            spec.Basic.Deliver(consumer, tag, redelivered, "amq.topic", f"devices.d{tag}.telemetry"), channel
        ),
        frame.marshal(header, channel),
        *(frame.marshal(ContentBody(part), channel) for part in parts),
    ]


async def received(reception: Reception) -> bytes:
    """What went on, without the heartbeats."""
    reception.feed_eof()
    return (await reception.read()).replace(HEARTBEAT, b"")


@pytest.fixture
async def taken() -> list[Delivery]:
    return []


@pytest.fixture
async def reception(taken: list[Delivery]) -> Reception:
    reception = Reception()
    reception.divert(CHANNEL, "telemetry", taken.append)
    return reception


@pytest.mark.parametrize("longest", [1, 7, 50, 10_000])
async def test_deliveries_are_taken_wherever_the_stream_is_cut_and_all_else_goes_on_in_order(
    longest: int, reception: Reception, taken: list[Delivery]
):
    mine = [deliver(tag, b'{"number": ', str(tag).encode(), b"}", redelivered=tag == 12) for tag in range(10, 20)]
    mine.append(deliver(20))
    between = [
        frame.marshal(spec.Basic.ConsumeOk("telemetry"), CHANNEL),
        b"".join(deliver(2, b"of another consumer", consumer="presence")),
        frame.marshal(spec.Basic.Ack(7), CHANNEL),
    ]
    within = deliver(1, b"of another channel", channel=OTHER)
    stream, others = b"", b""
    for number, (begins, *rest) in enumerate(mine):
        before, amid = b"".join(between[number : number + 1]), b"".join(within[number : number + 1])
        stream += before + begins + amid + b"".join(rest)
        others += before + amid
    noise = random.Random(longest)  # noqa: S311 - where the stream is cut is no secret
    while stream:
        size = noise.randint(1, longest)
        reception.feed_data(stream[:size])
        stream = stream[size:]
    assert [(one.tag, one.routing_key) for one in taken] == [
        (tag, f"devices.d{tag}.telemetry") for tag in range(10, 21)
    ]
    assert [one.body for one in taken] == [f'{{"number": {tag}}}'.encode() for tag in range(10, 20)] + [b""]
    assert [one.message_id for one in taken] == [f"m{tag % 3}" for tag in range(10, 21)]
    assert [one.tag for one in taken if one.redelivered] == [12]
    assert await received(reception) == others


async def test_a_connection_of_which_all_is_taken_does_not_look_silent(reception: Reception, taken: list[Delivery]):
    reception.feed_data(b"".join(deliver(1, b"{}")))
    assert len(taken) == 1
    reception.feed_eof()
    assert await reception.read() == HEARTBEAT


async def test_properties_that_are_large_fill_no_memory(reception: Reception, taken: list[Delivery]):
    reception.feed_data(b"".join(deliver(1, b"{}")))
    before = remembered.cache_info().currsize
    header = ContentHeader(body_size=0, properties=spec.Basic.Properties(headers={"large": "x" * 300}))
    method = spec.Basic.Deliver("telemetry", 2, False, "amq.topic", "devices.d2.telemetry")
    reception.feed_data(frame.marshal(method, CHANNEL) + frame.marshal(header, CHANNEL))
    assert taken[-1].headers == {"large": "x" * 300}
    assert remembered.cache_info().currsize == before


async def test_what_does_not_end_like_a_frame_goes_on_with_all_behind_it(reception: Reception, taken: list[Delivery]):
    good, broken = b"".join(deliver(1, b"{}")), b"".join(deliver(2, b"{}"))[:-1] + b"\x00"
    reception.feed_data(good + broken)
    reception.feed_data(good)
    assert [one.tag for one in taken] == [1]
    assert (await received(reception)).endswith(good)


async def test_a_stream_that_ends_within_a_frame_is_seen_to(reception: Reception, taken: list[Delivery]):
    cut = b"".join(deliver(1, b"{}"))[:20]
    reception.feed_data(cut)
    assert not taken
    assert await received(reception) == cut


async def test_a_channels_next_consumer_does_not_get_the_rest_of_a_message_of_the_one_before(
    reception: Reception, taken: list[Delivery]
):
    begun, header, body = deliver(1, b"{}")
    reception.feed_data(begun + header)
    later: list[Delivery] = []
    reception.divert(CHANNEL, "telemetry", later.append)
    reception.feed_data(body + b"".join(deliver(2, b"[]")))
    assert not taken
    assert [one.body for one in later] == [b"[]"]
