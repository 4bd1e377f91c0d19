"""What waits while devices are asked: it goes on once they are, or in its time."""

import asyncio
from collections.abc import Awaitable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from device_management.actions.consumers import ReplyConsumer
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


async def test_replies_wait_while_devices_are_asked():
    precedence = Precedence()
    with precedence.taken():
        hearing = asyncio.ensure_future(replies(precedence))
        await asyncio.sleep(0)
        assert not hearing.done()
    with pytest.raises(Opened):
        await asyncio.wait_for(hearing, 60)


async def test_replies_wait_no_longer_than_their_time():
    precedence = Precedence()
    with precedence.taken(), pytest.raises(Opened):
        await asyncio.wait_for(replies(precedence), 60)
