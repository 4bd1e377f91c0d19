"""The whole topology in one declaration: what exists on the broker, whoever starts first.

Every shared queue is durable and quorum with an explicit delivery limit; a consumer's queue hands what it gives up to
a dead-letter queue of its own. The retry ladder is one queue a delay: a message waits there until its TTL ends and goes
back, by the default exchange, to the queue whose name is its routing key. All of it is valid on RabbitMQ 3.10 and 4.x.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import aiormq
from aiormq.abc import AbstractChannel

from shared.contracts import catalog
from shared.contracts.access import AccessRestored, AccessRevoked, AccessSnapshot
from shared.contracts.actions import (
    ActionCancelled,
    ActionCompleted,
    ActionFailed,
    ActionSnapshot,
    ActionStarted,
    ActionState,
    ActionTimedOut,
)
from shared.contracts.batches import BatchSnapshot, BatchState
from shared.contracts.canaries import CanaryJudged
from shared.contracts.configuration import (
    ConfigurationJobSnapshot,
    ConfigurationJobState,
    ConfigurationSnapshot,
    ConfigurationState,
)
from shared.contracts.device_requests import DeviceAttributesReported, DeviceRegistrationRequested
from shared.contracts.devices import DevicePurged, DeviceRetired, DeviceSnapshot, DeviceState, DeviceTokenRevoked
from shared.contracts.groups import GroupSnapshot, GroupState
from shared.contracts.organizations import OrganizationSnapshot, OrganizationState
from shared.contracts.presence import DeviceConnected, DeviceDisconnected
from shared.contracts.releases import ReleaseCanaryRequested, ReleaseSnapshot, ReleaseState
from shared.contracts.routes import BROKER_EVENTS_EXCHANGE, DEVICES_EXCHANGE, EVENTS_EXCHANGE, LIVE_EXCHANGE
from shared.contracts.updates import (
    UpdateRefused,
    UpdateSessionCancelled,
    UpdateSessionCompleted,
    UpdateSessionFailed,
    UpdateSessionFlashed,
    UpdateSessionSnapshot,
    UpdateSessionState,
    UpdateSessionTimedOut,
)
from shared.messaging.connection import Broker, broker_errors
from shared.messaging.errors import TopologyConflict, TopologyMissing

TELEMETRY_QUEUE = "monitoring.telemetry"
PRESENCE_QUEUE = "monitoring.presence"
MONITORING_FLEET_QUEUE = "monitoring.fleet"
MONITORING_UPDATES_QUEUE = "monitoring.updates"
MONITORING_ROLLOUTS_QUEUE = "monitoring.rollouts"
MONITORING_ACTIONS_QUEUE = "monitoring.actions"
MONITORING_CANARY_QUEUE = "monitoring.canary"
MONITORING_UPTIME_QUEUE = "monitoring.uptime"
MONITORING_ACCESS_QUEUE = "monitoring.access"
MONITORING_ORGANIZATIONS_QUEUE = "monitoring.organizations"
MONITORING_ALERTS_QUEUE = "monitoring.alerts"
OTA_FLEET_QUEUE = "ota-service.fleet"
OTA_ACTIONS_QUEUE = "ota-service.actions"
OTA_PRESENCE_QUEUE = "ota-service.presence"
OTA_ACCESS_QUEUE = "ota-service.access"
OTA_TENANTS_QUEUE = "ota-service.tenants"
OTA_RESYNC_QUEUE = "ota-service.resync"
OTA_ORGANIZATION_RESYNC_QUEUE = "ota-service.organization-resync"
OTA_CANARY_QUEUE = "ota-service.canary"
DEVICE_PRESENCE_QUEUE = "device-management.presence"
DEVICE_UPDATES_QUEUE = "device-management.updates"
DEVICE_ATTRIBUTES_QUEUE = "device-management.attributes"
REGISTRATIONS_QUEUE = "device-management.registrations"
DEVICE_REPLIES_QUEUE = "device-management.replies"
DEVICE_ACTIONS_QUEUE = "device-management.actions"
BROKER_ACCESS_QUEUE = "device-management.broker-access"
WEBHOOKS_QUEUE = "device-management.webhooks"
DEVICE_REPORTS_QUEUE = "device-management.reports"
CONFIGURATION_QUEUE = "device-management.configuration"

UNROUTED_EXCHANGE = "muster.events.unrouted"
UNROUTED_QUEUE = "muster.events.unrouted"
DEAD_EXCHANGE = "muster.dead"

RETRY_DELAYS = tuple(timedelta(seconds=seconds) for seconds in (1, 5, 30, 120, 600))

TELEMETRY_DELIVERY_LIMIT = 1_000
EVENT_DELIVERY_LIMIT = 100
"""A crash counts against every message that was handed out, so a small limit would give up good ones."""

_DEAD_LETTERS_BYTES = 256 * 1024 * 1024
_UNROUTED_MESSAGES = 10_000

Arguments = Mapping[str, str | int | bool]


@dataclass(frozen=True)
class Exchange:
    name: str
    kind: str
    arguments: Arguments = field(default_factory=dict[str, str | int | bool])


@dataclass(frozen=True)
class Queue:
    name: str
    arguments: Arguments


@dataclass(frozen=True)
class Binding:
    queue: str
    exchange: str
    key: str


def dead_letters_of(queue: str) -> str:
    """The queue that keeps what `queue` gave up."""
    return f"{queue}.dead"


def retry_exchange(delay: timedelta) -> str:
    return f"muster.retry.{delay.total_seconds():.0f}s"


def _durable(name: str, arguments: Arguments, *, delivery_limit: int = EVENT_DELIVERY_LIMIT) -> Queue:
    return Queue(name, {"x-queue-type": "quorum", "x-delivery-limit": delivery_limit, **arguments})


def _consumed(name: str, *, delivery_limit: int = EVENT_DELIVERY_LIMIT, single_consumer: bool = False) -> Queue:
    arguments: dict[str, str | int | bool] = {
        "x-dead-letter-exchange": DEAD_EXCHANGE,
        "x-dead-letter-routing-key": name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    if single_consumer:
        arguments["x-single-active-consumer"] = True
    return _durable(name, arguments, delivery_limit=delivery_limit)


def _retry(delay: timedelta) -> Queue:
    return _durable(
        retry_exchange(delay),
        {
            "x-message-ttl": int(delay.total_seconds() * 1000),
            "x-dead-letter-exchange": "",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )


CONSUMED_QUEUES = (
    _consumed(TELEMETRY_QUEUE, delivery_limit=TELEMETRY_DELIVERY_LIMIT),
    _consumed(PRESENCE_QUEUE, delivery_limit=TELEMETRY_DELIVERY_LIMIT, single_consumer=True),
    _consumed(MONITORING_FLEET_QUEUE),
    _consumed(MONITORING_UPDATES_QUEUE),
    _consumed(MONITORING_ROLLOUTS_QUEUE),
    _consumed(MONITORING_ACTIONS_QUEUE),
    _consumed(MONITORING_CANARY_QUEUE),
    _consumed(MONITORING_UPTIME_QUEUE),
    _consumed(MONITORING_ACCESS_QUEUE),
    _consumed(MONITORING_ORGANIZATIONS_QUEUE),
    _consumed(MONITORING_ALERTS_QUEUE),
    _consumed(OTA_FLEET_QUEUE),
    _consumed(OTA_PRESENCE_QUEUE),
    _consumed(OTA_ACTIONS_QUEUE),
    _consumed(OTA_ACCESS_QUEUE),
    _consumed(OTA_TENANTS_QUEUE),
    _consumed(OTA_RESYNC_QUEUE),
    _consumed(OTA_ORGANIZATION_RESYNC_QUEUE),
    _consumed(OTA_CANARY_QUEUE),
    _consumed(DEVICE_PRESENCE_QUEUE),
    _consumed(DEVICE_UPDATES_QUEUE),
    _consumed(DEVICE_ATTRIBUTES_QUEUE),
    _consumed(REGISTRATIONS_QUEUE),
    _consumed(DEVICE_REPLIES_QUEUE, delivery_limit=TELEMETRY_DELIVERY_LIMIT),
    _consumed(DEVICE_ACTIONS_QUEUE),
    _consumed(BROKER_ACCESS_QUEUE),
    _consumed(WEBHOOKS_QUEUE),
    _consumed(DEVICE_REPORTS_QUEUE, single_consumer=True),
    _consumed(CONFIGURATION_QUEUE),
)

EXCHANGES = (
    Exchange(UNROUTED_EXCHANGE, "fanout"),
    Exchange(EVENTS_EXCHANGE, "topic", {"alternate-exchange": UNROUTED_EXCHANGE}),
    Exchange(LIVE_EXCHANGE, "topic"),
    Exchange(DEAD_EXCHANGE, "direct"),
    *(Exchange(retry_exchange(delay), "fanout") for delay in RETRY_DELAYS),
)

QUEUES = (
    *CONSUMED_QUEUES,
    *(
        _durable(dead_letters_of(queue.name), {"x-max-length-bytes": _DEAD_LETTERS_BYTES, "x-overflow": "drop-head"})
        for queue in CONSUMED_QUEUES
    ),
    *(_retry(delay) for delay in RETRY_DELAYS),
    _durable(UNROUTED_QUEUE, {"x-max-length": _UNROUTED_MESSAGES, "x-overflow": "drop-head"}),
)

_DEVICE_TYPES = tuple(event.type for event in catalog.EVENTS if issubclass(event, DeviceState))
_GROUP_TYPES = tuple(event.type for event in catalog.EVENTS if issubclass(event, GroupState))
_ORGANIZATION_TYPES = tuple(event.type for event in catalog.EVENTS if issubclass(event, OrganizationState))
_UPDATE_TYPES = tuple(event.type for event in catalog.EVENTS if issubclass(event, UpdateSessionState))
_ROLLOUT_TYPES = tuple(
    event.type for event in catalog.EVENTS if issubclass(event, ReleaseState | BatchState | ConfigurationJobState)
)
_TASK_TYPES = tuple(event.type for event in catalog.EVENTS if issubclass(event, ActionState | ConfigurationState))

_SNAPSHOTS = {
    OrganizationSnapshot,
    AccessSnapshot,
    DeviceSnapshot,
    GroupSnapshot,
    UpdateSessionSnapshot,
    ReleaseSnapshot,
    BatchSnapshot,
    ConfigurationJobSnapshot,
    ConfigurationSnapshot,
    ActionSnapshot,
}

BINDINGS = (
    Binding(TELEMETRY_QUEUE, DEVICES_EXCHANGE, "devices.*.telemetry"),
    *(
        Binding(queue, EVENTS_EXCHANGE, event)
        for queue in (MONITORING_FLEET_QUEUE, OTA_FLEET_QUEUE)
        for event in (*_DEVICE_TYPES, *_GROUP_TYPES)
    ),
    *(
        Binding(queue, EVENTS_EXCHANGE, event.type)
        for queue in (DEVICE_PRESENCE_QUEUE, MONITORING_ALERTS_QUEUE)
        for event in (DeviceConnected, DeviceDisconnected)
    ),
    Binding(DEVICE_REPLIES_QUEUE, DEVICES_EXCHANGE, "devices.*.replies"),
    *(
        Binding(DEVICE_ACTIONS_QUEUE, EVENTS_EXCHANGE, event.type)
        for event in (DeviceConnected, DeviceRetired, DevicePurged)
    ),
    *(
        Binding(OTA_ACTIONS_QUEUE, EVENTS_EXCHANGE, event.type)
        for event in (ActionStarted, ActionCancelled, ActionTimedOut)
    ),
    *(
        Binding(DEVICE_ACTIONS_QUEUE, EVENTS_EXCHANGE, event)
        for event in (*_UPDATE_TYPES, UpdateRefused.type)
        if event != UpdateSessionSnapshot.type
    ),
    Binding(DEVICE_ATTRIBUTES_QUEUE, EVENTS_EXCHANGE, DeviceAttributesReported.type),
    Binding(REGISTRATIONS_QUEUE, EVENTS_EXCHANGE, DeviceRegistrationRequested.type),
    *(
        Binding(queue, EVENTS_EXCHANGE, event)
        for queue in (OTA_TENANTS_QUEUE, MONITORING_ORGANIZATIONS_QUEUE)
        for event in _ORGANIZATION_TYPES
    ),
    *(
        Binding(queue, EVENTS_EXCHANGE, event.type)
        for queue in (OTA_PRESENCE_QUEUE, MONITORING_UPTIME_QUEUE)
        for event in (DeviceConnected, DeviceDisconnected)
    ),
    Binding(OTA_RESYNC_QUEUE, EVENTS_EXCHANGE, DeviceSnapshot.type),
    Binding(OTA_ORGANIZATION_RESYNC_QUEUE, EVENTS_EXCHANGE, OrganizationSnapshot.type),
    Binding(MONITORING_CANARY_QUEUE, EVENTS_EXCHANGE, ReleaseCanaryRequested.type),
    Binding(OTA_CANARY_QUEUE, EVENTS_EXCHANGE, CanaryJudged.type),
    *(
        Binding(DEVICE_UPDATES_QUEUE, EVENTS_EXCHANGE, event.type)
        for event in (
            UpdateSessionFlashed,
            UpdateSessionCompleted,
            UpdateSessionFailed,
            UpdateSessionCancelled,
            UpdateSessionTimedOut,
        )
    ),
    *(Binding(MONITORING_UPDATES_QUEUE, EVENTS_EXCHANGE, event) for event in _UPDATE_TYPES),
    *(Binding(MONITORING_ROLLOUTS_QUEUE, EVENTS_EXCHANGE, event) for event in _ROLLOUT_TYPES),
    *(Binding(MONITORING_ACTIONS_QUEUE, EVENTS_EXCHANGE, event) for event in _TASK_TYPES),
    *(
        Binding(BROKER_ACCESS_QUEUE, EVENTS_EXCHANGE, event.type)
        for event in (DeviceTokenRevoked, DeviceRetired, DevicePurged, AccessRevoked)
    ),
    *(
        Binding(queue, EVENTS_EXCHANGE, event.type)
        for queue in (MONITORING_ACCESS_QUEUE, OTA_ACCESS_QUEUE)
        for event in (AccessRevoked, AccessRestored, AccessSnapshot)
    ),
    *(Binding(WEBHOOKS_QUEUE, EVENTS_EXCHANGE, event.type) for event in catalog.EVENTS if event not in _SNAPSHOTS),
    Binding(DEVICE_REPORTS_QUEUE, DEVICES_EXCHANGE, "devices.*.state"),
    *(
        Binding(CONFIGURATION_QUEUE, EVENTS_EXCHANGE, event.type)
        for event in (ActionCompleted, ActionFailed, ActionCancelled, ActionTimedOut, DevicePurged)
    ),
    *(Binding(dead_letters_of(queue.name), DEAD_EXCHANGE, queue.name) for queue in CONSUMED_QUEUES),
    *(Binding(retry_exchange(delay), retry_exchange(delay), "") for delay in RETRY_DELAYS),
    Binding(UNROUTED_QUEUE, UNROUTED_EXCHANGE, ""),
)

BROKER_EVENT_KEYS = ("connection.created", "connection.closed")


async def declare(broker: Broker, *, broker_events: str | None = BROKER_EVENTS_EXCHANGE) -> None:
    """Declares everything; doing it again changes nothing. Waits for the broker as long as it takes.

    `broker_events` is the exchange of the broker's own events, which exists only in the virtual host "/"; None leaves
    the presence queue unbound. Raises TopologyConflict, and BrokerAway when the connection is lost on the way.
    """
    async with broker.consuming.channel() as channel:
        for exchange in EXCHANGES:
            with _declaring(exchange.name):
                await channel.exchange_declare(
                    exchange.name, exchange_type=exchange.kind, durable=True, arguments=dict(exchange.arguments)
                )
        for queue in QUEUES:
            with _declaring(queue.name):
                await channel.queue_declare(queue.name, durable=True, arguments=dict(queue.arguments))
        for binding in _bindings(broker_events):
            with _declaring(binding.exchange):
                await channel.queue_bind(binding.queue, binding.exchange, binding.key)


async def missing(broker: Broker, *, broker_events: str | None = BROKER_EVENTS_EXCHANGE) -> list[str]:
    """The names of exchanges and queues that are not there; empty when all is well. Raises BrokerAway.

    A queue whose dead-letter exchange is missing would drop what it gives up without a word, hence the question.
    """
    exchanges = (*EXCHANGES, *([Exchange(broker_events, "topic")] if broker_events else []))
    absent: list[str] = []
    channel: AbstractChannel | None = None
    with broker_errors():
        connection = broker.consuming.current()
        for entity in (*exchanges, *QUEUES):
            if channel is None or channel.is_closed:
                channel = await connection.channel(publisher_confirms=False)
            try:
                await _ask_for(channel, entity)
            except aiormq.ChannelNotFoundEntity:
                absent.append(entity.name)
        if channel is not None and not channel.is_closed:
            await channel.close()
    return absent


async def check(broker: Broker) -> None:
    """For readiness. Raises BrokerAway unless both connections are open, TopologyMissing while something is missing."""
    await broker.check()
    if absent := await missing(broker):
        raise TopologyMissing(", ".join(absent))


async def maintain(broker: Broker, *, broker_events: str | None = BROKER_EVENTS_EXCHANGE) -> None:
    """Declares now and after every reconnection, until cancelled: a broker that lost its disk gets its shape back.

    A job of a worker, which begins it again when the connection is lost in the middle of it: raises BrokerAway then.
    """
    while True:
        await declare(broker, broker_events=broker_events)
        await broker.consuming.lost()


async def _ask_for(channel: AbstractChannel, entity: Exchange | Queue) -> None:
    """A passive declaration; one that finds nothing closes the channel."""
    if isinstance(entity, Exchange):
        await channel.exchange_declare(entity.name, passive=True)
    else:
        await channel.queue_declare(entity.name, passive=True)


def _bindings(broker_events: str | None) -> tuple[Binding, ...]:
    if broker_events is None:
        return BINDINGS
    return (*BINDINGS, *(Binding(PRESENCE_QUEUE, broker_events, key) for key in BROKER_EVENT_KEYS))


@contextmanager
def _declaring(name: str) -> Generator[None]:
    with broker_errors():
        try:
            yield
        except aiormq.ChannelPreconditionFailed as error:
            raise TopologyConflict(f"{name} exists with other properties: {error}") from error
