import pytest

from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.errors import TopologyConflict, TopologyMissing


async def test_declaring_again_changes_nothing(broker: Broker):
    await topology.declare(broker, broker_events=None)
    await topology.declare(broker, broker_events=None)
    assert await topology.missing(broker, broker_events=None) == []


async def test_readiness_names_what_is_missing(declared: Broker, raw):
    await raw.channel.queue_delete(topology.TELEMETRY_QUEUE)
    await raw.channel.exchange_delete(topology.DEAD_EXCHANGE)
    assert set(await topology.missing(declared)) == {
        topology.TELEMETRY_QUEUE,
        topology.DEAD_EXCHANGE,
        "amq.rabbitmq.event",
    }


async def test_a_queue_with_other_properties_is_named(broker: Broker, raw):
    await raw.channel.queue_declare(topology.TELEMETRY_QUEUE, durable=True)
    with pytest.raises(TopologyConflict, match=topology.TELEMETRY_QUEUE):
        await topology.declare(broker, broker_events=None)


async def test_the_brokers_own_events_are_bound_where_they_exist(rabbitmq_server):
    async with Broker.open(rabbitmq_server.url, name="test") as broker:
        await topology.declare(broker)
        assert await topology.missing(broker) == []
        await topology.check(broker)


async def test_a_process_is_not_ready_while_something_is_missing(declared: Broker, raw):
    await raw.channel.queue_delete(topology.OTA_FLEET_QUEUE)
    with pytest.raises(TopologyMissing, match=topology.OTA_FLEET_QUEUE):
        await topology.check(declared)
