import asyncio

import pytest

from shared.cancellation import end
from shared.contracts.routes import LIVE_EXCHANGE
from shared.messaging.connection import Broker
from shared.messaging.publisher import Message, Publisher
from shared.messaging.subscriber import Subscriber
from shared.testing import eventually
from shared.testing.proxy import proxied


@pytest.fixture
async def follow():
    tasks: list[asyncio.Task[None]] = []

    def begin(subscriber: Subscriber) -> None:
        tasks.append(asyncio.create_task(subscriber.run()))

    yield begin
    await end(tasks)


class Follower:
    def __init__(self, broker: Broker, **options) -> None:
        self.seen: list[bytes] = []
        self.resumed = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.subscriber = Subscriber(broker, LIVE_EXCHANGE, self._take, resumed=self._resume, **options)

    async def _take(self, delivery) -> None:
        await self.gate.wait()
        if delivery.body == b"bad":
            raise KeyError
        self.seen.append(delivery.body)

    async def _resume(self) -> None:
        self.resumed += 1


def frame(key: str, body: bytes) -> Message:
    return Message(LIVE_EXCHANGE, key, body, mandatory=False, persistent=False)


async def test_only_what_is_followed_arrives(declared: Broker, publisher: Publisher, follow):
    follower = Follower(declared, keys=["organization.1"])
    follow(follower.subscriber)
    await eventually(lambda: follower.resumed)
    await follower.subscriber.follow("organization.2")
    await publisher.publish_all([frame(f"organization.{number}", str(number).encode()) for number in (1, 2, 3)])
    await eventually(lambda: follower.seen == [b"1", b"2"])
    await follower.subscriber.unfollow("organization.1")
    await publisher.publish_all([frame("organization.1", b"gone"), frame("organization.2", b"still")])
    await eventually(lambda: follower.seen == [b"1", b"2", b"still"])


async def test_a_handler_that_fails_ends_nothing(declared: Broker, publisher: Publisher, follow):
    follower = Follower(declared, keys=["a"])
    follow(follower.subscriber)
    await eventually(lambda: follower.resumed)
    await publisher.publish_all([frame("a", b"bad"), frame("a", b"good")])
    await eventually(lambda: follower.seen == [b"good"])


async def test_a_slow_follower_loses_the_oldest_and_keeps_the_newest(declared: Broker, publisher: Publisher, follow):
    follower = Follower(declared, keys=["a"], max_length=10)
    follow(follower.subscriber)
    await eventually(lambda: follower.resumed)
    follower.gate.clear()
    await publisher.publish_all([frame("a", str(number).encode()) for number in range(400)])
    follower.gate.set()
    await eventually(lambda: b"399" in follower.seen)
    assert len(follower.seen) < 400


async def test_after_a_lost_connection_it_follows_again_and_says_so(
    amqp_url: str, declared: Broker, publisher: Publisher, follow
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(url, name="cut") as broker:
        follower = Follower(broker, keys=["a"])
        follow(follower.subscriber)
        await eventually(lambda: follower.resumed == 1)
        proxy.cut()
        await follower.subscriber.follow("b")
        await eventually(lambda: follower.resumed == 2)
        await publisher.publish_all([frame("a", b"1"), frame("b", b"2")])
        await eventually(lambda: follower.seen == [b"1", b"2"])


async def test_following_more_while_the_broker_is_silent_is_made_good(
    amqp_url: str, declared: Broker, publisher: Publisher, follow
):
    async with proxied(amqp_url) as (proxy, url), Broker.open(f"{url}?heartbeat=1", name="silent") as broker:
        follower = Follower(broker, keys=["a"])
        follow(follower.subscriber)
        await eventually(lambda: follower.resumed)
        proxy.fall_silent()
        before = follower.resumed
        await follower.subscriber.follow("b")
        proxy.let_go()
        await eventually(lambda: follower.resumed > before)

        async def is_followed() -> bool:
            """Told again and again: two seconds in which this process does not run end the connection, too."""
            await publisher.publish(frame("b", b"2"))
            return b"2" in follower.seen

        await eventually(is_followed, interval=0.2)
