"""Devices for tests: a queue bound to one's commands, and a publisher that knows who is connected."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import aiormq
import msgspec
from aiormq.abc import AbstractChannel

from shared.contracts.commands import DeviceCommand
from shared.messaging.errors import Unroutable
from shared.messaging.publisher import Message
from shared.testing import eventually

HOUR = timedelta(hours=1)


class Devices:
    """A publisher that knows who is connected, and keeps what it confirms."""

    def __init__(self) -> None:
        self.connected: set[str] = set()
        self.got: list[tuple[str, str]] = []
        self.fails: list[Exception] = []
        self.before_answer: Callable[[], Awaitable[None]] | None = None

    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]:
        outcomes = [self._outcome(message) for message in messages]
        if self.before_answer is not None:
            await self.before_answer()
        return outcomes

    def _outcome(self, message: Message) -> Exception | None:
        uid = message.routing_key.split(".")[1]
        if self.fails:
            return self.fails.pop()
        if uid not in self.connected:
            return Unroutable(uid)
        self.got.append((uid, msgspec.json.decode(message.body, type=DeviceCommand).type))
        return None


async def connect(channel: AbstractChannel, uid: str) -> None:
    await channel.queue_declare(uid, exclusive=True)
    await channel.queue_bind(uid, "amq.topic", f"devices.{uid}.commands")


async def take(channel: AbstractChannel, uid: str) -> aiormq.abc.DeliveredMessage:
    """The next command of the device, as soon as there is one."""
    taken: list[aiormq.abc.DeliveredMessage] = []

    async def came() -> bool:
        message = await channel.basic_get(uid, no_ack=True)
        if not isinstance(message.delivery, aiormq.spec.Basic.GetEmpty):
            taken.append(message)
        return bool(taken)

    await eventually(came, why=f"a command in the queue of {uid}")
    return taken[0]


def type_of(message: aiormq.abc.DeliveredMessage) -> str:
    return msgspec.json.decode(message.body, type=DeviceCommand).type
