"""Packets against the examples and limits of the MQTT 3.1.1 standard."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster_cli.mqtt import packets
from muster_cli.mqtt.packets import MalformedPacket, PacketReader, Will


def test_connect_is_laid_out_as_the_standard_says():
    packet = packets.connect(client_id="d", username="u", password="pw", keep_alive=60, will=Will("t", b"gone"))
    assert packet == (b"\x10\x1d\x00\x04MQTT\x04\xc6\x00\x3c\x00\x01d\x00\x01t\x00\x04gone\x00\x01u\x00\x02pw")


def test_publish_carries_its_packet_id_before_the_payload():
    assert packets.publish(topic="a/b", payload=b"hello", packet_id=10) == b"\x32\x0c\x00\x03a/b\x00\x0ahello"


@pytest.mark.parametrize(("size", "encoded"), [(121, b"\x7f"), (122, b"\x80\x01"), (16_378, b"\x80\x80\x01")])
def test_the_remaining_length_grows_at_the_bounds_of_the_standard(size, encoded):
    packet = packets.publish(topic="t" * 2, payload=b"x" * size, packet_id=1)
    assert packet[1 : 1 + len(encoded)] == encoded


def test_subscribe_is_laid_out_as_the_standard_says():
    assert packets.subscribe(topic="a/b", packet_id=10) == b"\x82\x08\x00\x0a\x00\x03a/b\x01"
    assert packets.puback(258) == b"\x40\x02\x01\x02"


def test_a_message_is_read_with_and_without_a_packet_id():
    assert packets.read_publish(0x02, b"\x00\x03a/b\x00\x0ahello") == ("a/b", b"hello", 10)
    assert packets.read_publish(0x0B, b"\x00\x03a/b\x00\x0a") == ("a/b", b"", 10)
    assert packets.read_publish(0x00, b"\x00\x03a/bhello") == ("a/b", b"hello", None)


@pytest.mark.parametrize(
    ("flags", "body"),
    [
        (0x04, b"\x00\x03a/b\x00\x0a"),
        (0x06, b"\x00\x03a/b\x00\x0a"),
        (0x02, b"\x00\x03a/b\x00\x00"),
        (0x02, b"\x00\x03a/b\x01"),
        (0x00, b"\x00\x04a/b"),
        (0x00, b"\x00"),
        (0x00, b""),
        (0x00, b"\x00\x01\xff"),
    ],
)
def test_what_is_no_message_of_qos_0_or_1_is_malformed(flags, body):
    with pytest.raises(MalformedPacket):
        packets.read_publish(flags, body)


@given(st.integers(0, 15), st.binary(max_size=40))
def test_a_message_is_read_or_malformed_whatever_arrives(flags, body):
    with contextlib.suppress(MalformedPacket):
        delivery = packets.read_publish(flags, body)
        assert len(delivery.topic.encode()) + len(delivery.payload) <= len(body)


@pytest.mark.parametrize("read", [packets.read_connack, packets.read_puback, packets.read_suback])
@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x01\x02\x03"])
def test_an_answer_of_the_wrong_length_is_malformed(read, body):
    with pytest.raises(MalformedPacket):
        read(body)


@given(
    st.lists(st.tuples(st.sampled_from([2, 3, 4, 9, 13]), st.integers(0, 15), st.binary(max_size=300)), max_size=8),
    st.data(),
)
def test_packets_are_the_same_however_the_stream_is_cut(sent, data):
    stream = b"".join(bytes((kind << 4 | flags,)) + packets._length(len(body)) + body for kind, flags, body in sent)
    reader = PacketReader()
    received = []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        received += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert received == sent


@pytest.mark.parametrize("stream", [b"\x20\xff\xff\xff\xff\x01", b"\x30\xff\xff\xff\x7f"])
def test_a_length_beyond_the_limits_is_malformed(stream):
    with pytest.raises(MalformedPacket):
        list(PacketReader().feed(stream))
