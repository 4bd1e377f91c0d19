"""The releases of the releases' tests, and a broker of their own."""

from collections.abc import AsyncIterator

import pytest

from shared.messaging import topology
from shared.messaging.connection import Broker

from ..releases.conftest import *  # noqa: F403


@pytest.fixture
async def broker(amqp_url) -> AsyncIterator[Broker]:
    """A virtual host in which everything is declared."""
    async with Broker.open(amqp_url, name="test") as broker:
        await topology.declare(broker, broker_events=None)
        yield broker
