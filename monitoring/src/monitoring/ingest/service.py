"""Use cases of ingest: take what devices sent, and pass on what they send over HTTP."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Protocol
from uuid import uuid4

import structlog
from prometheus_client import Counter

from monitoring.alert_evaluation.service import StreamWatch
from monitoring.fleet.service import FleetService
from monitoring.ingest.errors import TelemetryTooLarge, UnreadableTelemetry
from monitoring.ingest.events import items_of, said_at
from monitoring.ingest.rules import arrivals, by_device
from monitoring.telemetry.models import Arrival, Latest
from monitoring.telemetry.service import TelemetryService
from shared.clock import Clock
from shared.contracts.live import TelemetryItem
from shared.contracts.routes import DEVICES_EXCHANGE, device_key
from shared.contracts.telemetry import MAX_BODY_BYTES, NotJson, decode
from shared.http.principal import Principal
from shared.http.problem import InvalidJson
from shared.messaging.deliveries import Delivery, Rejected
from shared.messaging.publisher import Message, Publisher

_MESSAGES = Counter("muster_telemetry_messages_total", "Telemetry messages by outcome: received, dead", ["outcome"])
_SAMPLES = Counter(
    "muster_telemetry_samples_total",
    "Samples by outcome: received = stored + duplicate + expired, counted in the store; undated ones are among stored",
    ["outcome"],
)

_log = structlog.get_logger(__name__)


class LiveTelemetry(Protocol):
    """Whoever shows telemetry to people who are watching."""

    def telemetry(self, organization_id: int, items: Iterable[TelemetryItem]) -> None: ...


class Hears(Protocol):
    """Whoever wants to know which devices speak."""

    def heard(self, uid: str, said: datetime | None) -> None:
        """`said` is the newest time that the device gives, None without a usable one."""
        ...


class IngestService:
    def __init__(
        self,
        telemetry: TelemetryService,
        fleet: FleetService,
        watch: StreamWatch,
        live: LiveTelemetry,
        presence: Hears,
        *,
        clock: Clock,
    ) -> None:
        self._telemetry = telemetry
        self._fleet = fleet
        self._watch = watch
        self._live = live
        self._presence = presence
        self._clock = clock

    async def take(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """Tells the latest, hands on the frame, stores the samples, and marks what may be an alert; returns the poison.

        Everything is counted at the end, so that a batch that had to be taken again is counted once. Raises StoreAway.
        """
        now = self._clock.now()
        arrived: list[Arrival] = []
        rejected: list[Rejected] = []
        for index, delivery in enumerate(deliveries):
            try:
                arrived += arrivals(delivery.routing_key, delivery.body, delivery.message_id, received_at=now)
            except ValueError as error:
                rejected.append(Rejected(index, str(error)))
        organizations = await self._fleet.organizations(arrival.device_uid for arrival in arrived)
        recorded = await self._telemetry.record(
            arrived,
            show=lambda latest: self._show(latest, organizations),
            messages=by_device(delivery.routing_key for delivery in deliveries),
            dead=by_device(deliveries[poison.index].routing_key for poison in rejected),
        )
        await self._watch.observe(recorded.latest, organizations)
        _MESSAGES.labels("received").inc(len(deliveries))
        _MESSAGES.labels("dead").inc(len(rejected))
        _SAMPLES.labels("received").inc(len(arrived))
        _SAMPLES.labels("stored").inc(recorded.stored)
        _SAMPLES.labels("duplicate").inc(recorded.duplicate)
        _SAMPLES.labels("undated").inc(recorded.undated)
        _SAMPLES.labels("expired").inc(recorded.expired)
        if rejected:
            _log.warning("poison telemetry", messages=len(rejected), reason=rejected[0].reason)
        return rejected

    def _show(self, latest: Sequence[Latest], organizations: Mapping[str, int]) -> None:
        items: dict[int, list[TelemetryItem]] = defaultdict(list)
        for device in latest:
            self._presence.heard(device.device_uid, said_at(device))
            organization_id = organizations.get(device.device_uid)
            if organization_id is not None:
                items[organization_id] += items_of(device)
        for organization_id, found in items.items():
            self._live.telemetry(organization_id, found)


class TelemetrySubmission:
    """Telemetry over HTTP takes the same road as over MQTT: the broker's queue."""

    def __init__(self, publisher: Publisher, fleet: FleetService) -> None:
        self._publisher = publisher
        self._fleet = fleet

    async def submit(self, uid: str, who: Principal, body: bytes, *, key: str | None) -> None:
        """Returns once the broker has confirmed the message. `key` makes a repetition of the same call recognizable.

        Raises DeviceTokenRevoked, DeviceNotFound, TelemetryTooLarge, InvalidJson, UnreadableTelemetry, and
        what `Publisher.publish` raises.
        """
        if who.is_device:
            await self._fleet.admit(uid, who.generation)
        else:
            await self._fleet.admit_gateway(who.organization_id, uid)
        if len(body) > MAX_BODY_BYTES:
            raise TelemetryTooLarge(f"telemetry holds at most {MAX_BODY_BYTES} bytes a message")
        try:
            decode(body)
        except NotJson as error:
            raise InvalidJson(f"the body is not JSON: {error}") from None
        except ValueError as error:
            raise UnreadableTelemetry(str(error)) from None
        message_id = sha256(key.encode()).hexdigest() if key else uuid4().hex
        await self._publisher.publish(
            Message(
                exchange=DEVICES_EXCHANGE,
                routing_key=device_key(uid, "telemetry"),
                body=body,
                message_id=message_id,
            )
        )
