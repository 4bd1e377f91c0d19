"""What waits while devices are asked: it goes on once they are, or in its time."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from device_management.actions.consumers import ReplyConsumer
from device_management.webhooks.consumers import WebhookConsumer
from shared.messaging.deliveries import Delivery
from shared.precedence import Precedence

REPLY = b'{"id": "%s", "state": "completed"}' % str(uuid4()).encode()


class Opened(Exception):
    """A unit of work was begun."""


@asynccontextmanager
async def scopes():
    raise Opened
    yield


def replies(precedence: Precedence) -> Awaitable[Any]:
    reply = Delivery(REPLY, "devices.pump-1.replies", None, {}, redelivered=False, timestamp=None)
    return ReplyConsumer(scopes, precedence)([reply])


def webhooks(precedence: Precedence) -> Awaitable[Any]:
    return WebhookConsumer(scopes, precedence)([])


Late = Callable[[Precedence], Awaitable[Any]]


@pytest.mark.parametrize("late", [replies, webhooks])
async def test_they_wait_while_devices_are_asked(late: Late):
    precedence = Precedence()
    with precedence.taken():
        hearing = asyncio.ensure_future(late(precedence))
        await asyncio.sleep(0)
        assert not hearing.done()
    with pytest.raises(Opened):
        await asyncio.wait_for(hearing, 60)


@pytest.mark.parametrize("late", [replies, webhooks])
async def test_they_wait_no_longer_than_their_time(late: Late):
    precedence = Precedence()
    with precedence.taken(), pytest.raises(Opened):
        await asyncio.wait_for(late(precedence), 60)
