"""Signs of life: told of together, and of a device not again and again."""

from datetime import UTC, datetime, timedelta

import msgspec

from shared.clock import FixedClock
from shared.contracts.signs import SIGNS_KEY, Signs
from shared.messaging.errors import BrokerAway
from shared.messaging.signs import SignsOfLife

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class FakePublisher:
    def __init__(self):
        self.messages = []
        self.outcome = None

    async def publish_all(self, messages):
        self.messages += messages
        return [self.outcome for _ in messages]

    def told(self):
        told, self.messages = self.messages, []
        assert {(message.routing_key, message.persistent) for message in told} <= {(SIGNS_KEY, False)}
        return [msgspec.json.decode(message.body, type=Signs).heard for message in told]


async def test_of_a_device_is_told_once_a_minute_and_of_many_in_one_message():
    publisher, clock = FakePublisher(), FixedClock(NOON)
    signs = SignsOfLife(publisher, clock=clock)
    for _ in range(5):
        signs.heard("pump-1")
        signs.heard("pump-2", for_s=90)
    await signs.tell()
    assert publisher.told() == [{"pump-1": None, "pump-2": 90}]
    clock.advance(timedelta(seconds=59))
    signs.heard("pump-1")
    await signs.tell()
    assert publisher.told() == []
    clock.advance(timedelta(seconds=1))
    signs.heard("pump-1")
    await signs.tell()
    assert publisher.told() == [{"pump-1": None}]


async def test_many_are_told_of_in_bounded_messages_and_a_broker_that_is_away_loses_them():
    publisher = FakePublisher()
    signs = SignsOfLife(publisher, clock=FixedClock(NOON))
    for number in range(2_500):
        signs.heard(f"pump-{number}")
    publisher.outcome = BrokerAway("gone")
    await signs.tell()
    assert [len(heard) for heard in publisher.told()] == [1_000, 1_000, 500]
    await signs.tell()
    assert publisher.told() == []
