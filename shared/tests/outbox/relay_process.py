"""A process of its own that commits or relays, to be killed or frozen by a test.

`python -m` is not used: it is run by its path. Each step is a line on standard output; a line on standard input is a
confirm of the broker.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shared.clock import SystemClock
from shared.contracts.presence import DeviceConnected
from shared.ids import RandomIds
from shared.messaging.connection import Broker
from shared.messaging.publisher import Message, Publisher
from shared.outbox.command_relay import CommandRelay
from shared.outbox.outbox import Outbox
from shared.outbox.relay import Relay


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def commit(engine_url: str) -> None:
    """Commits an event and is then about to publish it for ever."""
    engine = create_async_engine(engine_url)
    async with AsyncSession(engine) as session:
        outbox = Outbox(session, source="test", clock=SystemClock(), ids=RandomIds())
        outbox.add(
            DeviceConnected(organization_id=1, version=1, device_uid="pump-7", online=True, since=datetime.now(UTC))
        )
        await outbox.flush()
        await session.commit()
    say("committed")
    await asyncio.Event().wait()


class Told:
    """Says what it is about to publish, and confirms it when it is told to."""

    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]:
        say(f"publishing {len(messages)}")
        await asyncio.to_thread(sys.stdin.readline)
        say("published")
        return [None] * len(messages)


class Deaf:
    """Publishes, and never hears a confirm."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]:
        await self._publisher.publish_all(messages)
        say("published")
        await asyncio.Event().wait()
        return []


async def relay(engine_url: str, frozen_after_s: float) -> None:
    await Relay(engine_url, Told(), frozen_after=timedelta(seconds=frozen_after_s)).run()


async def command_relay(engine_url: str, frozen_after_s: float) -> None:
    await CommandRelay(engine_url, Told(), frozen_after=timedelta(seconds=frozen_after_s)).run()


async def deaf_command_relay(engine_url: str, amqp_url: str) -> None:
    async with Broker.open(amqp_url, name="deaf") as broker:
        await broker.publishing.opened()
        await CommandRelay(engine_url, Deaf(Publisher(broker))).run()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["commit", engine_url]:
            asyncio.run(commit(engine_url))
        case ["relay", engine_url, seconds]:
            asyncio.run(relay(engine_url, float(seconds)))
        case ["command-relay", engine_url, seconds]:
            asyncio.run(command_relay(engine_url, float(seconds)))
        case ["deaf-command-relay", engine_url, amqp_url]:
            asyncio.run(deaf_command_relay(engine_url, amqp_url))
        case unknown:
            sys.exit(f"unknown: {unknown}")
