"""What the tests of monitoring share: devices, samples, and a foreign client of the broker."""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import aiormq
from aiormq.abc import AbstractChannel

from monitoring.alert_rules.models import Condition, Rule
from monitoring.alert_rules.states import Kind, Severity
from monitoring.alert_rules.store import RuleStore
from monitoring.alerts.models import Mark
from monitoring.alerts.states import Phase, State
from monitoring.alerts.store import AlertStore
from monitoring.fleet.models import EVERYTHING
from shared.contracts.actions import ActionStarted, ActionState
from shared.contracts.batches import BatchStarted, BatchState
from shared.contracts.configuration import (
    ConfigurationChanged,
    ConfigurationJobStarted,
    ConfigurationJobState,
    ConfigurationState,
)
from shared.contracts.devices import DeviceSnapshot, DeviceState
from shared.contracts.envelope import Envelope, EventData
from shared.contracts.groups import GroupSnapshot, GroupState
from shared.contracts.releases import ReleaseStarted, ReleaseState, ReleaseWaveState
from shared.contracts.telemetry import TelemetrySample
from shared.contracts.updates import UpdateSessionInitiated, UpdateSessionState
from shared.messaging.deliveries import Delivery

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
FAR = datetime(2036, 11, 21, 12, tzinfo=UTC)


def device_state(
    uid: str,
    *,
    organization_id: int = 1,
    version: int = 1,
    min_token_generation: int = 1,
    lifecycle: str = "in_stock",
    **members: Any,
) -> DeviceState:
    return DeviceSnapshot(
        organization_id=organization_id,
        version=version,
        device_id=1,
        device_uid=uid,
        lifecycle=lifecycle,
        min_token_generation=min_token_generation,
        registered_at=NOON,
        updated_at=NOON,
        **members,
    )


def group_state(
    group_id: int = 1,
    *,
    organization_id: int = 1,
    version: int = 1,
    rql: str | None = None,
    kind: type[GroupState] = GroupSnapshot,
) -> GroupState:
    return kind(
        organization_id=organization_id,
        version=version,
        group_id=group_id,
        name=f"group {group_id}",
        kind="fixed" if rql is None else "query",
        rql=rql,
        created_at=NOON,
        updated_at=NOON,
    )


def update_state(
    uid: str,
    *,
    organization_id: int = 1,
    counter: int = 1,
    version: int = 1,
    state: str = "initiated",
    progress: int | None = None,
    error: str | None = None,
    batch_id: int | None = None,
    release: str | None = None,
    wave: str | None = None,
) -> UpdateSessionState:
    return UpdateSessionInitiated(
        organization_id=organization_id,
        version=version,
        session_id=f"session-{counter}",
        device_uid=uid,
        firmware_id=1,
        firmware_name="pump-firmware",
        firmware_version="2.0.0",
        state=state,
        counter=counter,
        progress=progress,
        error=error,
        batch_id=batch_id,
        release=release,
        wave=wave,
        opened_at=NOON,
        updated_at=NOON,
    )


def release_state(release_id: int = 1, *, organization_id: int = 1, version: int = 1, **state: object) -> ReleaseState:
    counts = {"waiting": 1, "in_progress": 1, "succeeded": 4, "failed": 0, "skipped": 0, "cancelled": 0}
    wave = ReleaseWaveState(wave_id="wave:one", name="one", state="running", devices=6, **counts)
    told = {"state": "running", "created_at": NOON, "updated_at": NOON, **state}
    return ReleaseStarted(
        organization_id=organization_id,
        version=version,
        release_id=release_id,
        slug=f"release-{release_id}",
        name="Pumps, spring",
        waves=[wave],
        created_by="7",
        **told,
    )


def batch_state(batch_id: int = 1, *, organization_id: int = 1, version: int = 1, **state: object) -> BatchState:
    counts = {"pending": 1, "initiated": 2, "succeeded": 7, "failed": 0, "skipped": 0, "cancelled": 0}
    told = {"state": "in_progress", "requested_at": NOON, "updated_at": NOON, **counts, **state}
    return BatchStarted(
        organization_id=organization_id,
        version=version,
        batch_id=batch_id,
        name="spring",
        release_ref="release:7",
        total=13,
        requested_by="7",
        **told,
    )


def job_state(number: int = 1, *, organization_id: int = 1, version: int = 1, **state: object) -> ConfigurationJobState:
    counts = {"pending": 1, "dispatched": 2, "succeeded": 7, "failed": 0, "cancelled": 0}
    told = {"state": "running", "requested_at": NOON, "updated_at": NOON, **counts, **state}
    return ConfigurationJobStarted(
        organization_id=organization_id,
        version=version,
        job_id=f"job-{number}",
        run_id="run-1",
        total=10,
        requested_by="7",
        **told,
    )


def action_state(
    uid: str, action_id: int = 1, *, organization_id: int = 1, version: int = 1, **state: object
) -> ActionState:
    told = {"state": "running", "requested_at": NOON, "deadline": FAR, "updated_at": NOON, **state}
    return ActionStarted(
        organization_id=organization_id,
        version=version,
        action_id=action_id,
        device_id=1,
        device_uid=uid,
        action_type="system_reboot",
        priority=5,
        attempt=1,
        requested_by="7",
        **told,
    )


def configuration_state(
    uid: str, _number: int = 1, *, organization_id: int = 1, version: int = 1, drift: int | None = None
) -> ConfigurationState:
    return ConfigurationChanged(
        organization_id=organization_id,
        version=version,
        device_uid=uid,
        desired_version=version,
        drift=drift,
        updated_at=NOON,
    )


def envelope_of(state: EventData) -> Envelope:
    return Envelope(
        id=uuid4(),
        source="/somebody",
        type=state.type,
        subject=state.subject(),
        time=NOON,
        organizationid=state.organization_id,
        data=state.model_dump(mode="json"),
    )


def sample(ts: datetime | None = NOON, seq: int | None = None, boot: str | None = None, **metrics) -> TelemetrySample:
    at = None if ts is None else ts.isoformat()
    return TelemetrySample(metrics=metrics or {"temperature": 21.5}, ts=at, seq=seq, boot=boot)


def body(ts: datetime | None = NOON, seq: int | None = None, boot: str | None = None, **metrics) -> bytes:
    """One sample as a device sends it."""
    at = {} if ts is None else {"ts": ts.isoformat()}
    number = {} if seq is None else {"seq": seq}
    start = {} if boot is None else {"boot": boot}
    return json.dumps({**at, **number, **start, "metrics": metrics or {"temperature": 21.5}}).encode()


def delivery(uid: str, payload: bytes, *, message_id: str | None = None, redelivered: bool = False) -> Delivery:
    return Delivery(payload, f"devices.{uid}.telemetry", message_id, {}, redelivered, None)


@dataclass
class Raw:
    """A channel of a client that is not ours."""

    channel: AbstractChannel

    async def send(self, uid: str, *payloads: bytes, message_id: str | None = None) -> None:
        """As the device would publish; returns once the broker has confirmed."""
        for payload in payloads:
            properties = aiormq.spec.Basic.Properties(delivery_mode=2, message_id=message_id)
            key = f"devices.{uid}.telemetry"
            await self.channel.basic_publish(payload, exchange="amq.topic", routing_key=key, properties=properties)

    async def waiting(self, queue: str) -> int:
        declared = await self.channel.queue_declare(queue, passive=True)
        return declared.message_count or 0

    async def empty(self, queue: str) -> None:
        await self.channel.queue_purge(queue)


class Shown:
    """What watchers were shown, by organization."""

    def __init__(self) -> None:
        self.items: defaultdict[int, list[Any]] = defaultdict(list)

    def take(self, organization_id: int, items: Sequence[Any]) -> None:
        self.items[organization_id] += items

    updates = rollouts = actions = take


async def whatever_the_order_the_newest_stays(tracker: Any, shown: Shown, state_of: Callable[..., Any]) -> None:
    """Events of five things, `state_of(number, version)`, in any order and more than once."""
    order = random.Random(7)  # noqa: S311 - the same order every time
    for number in range(1, 6):
        states = [state_of(number, version) for version in range(1, 8)]
        order.shuffle(states)
        seen: list[int] = []
        for batch in (states[:2], states[2:5], states[5:], states[:3]):
            await tracker.follow(batch)
            seen += [item.version for item in shown.items.pop(1)]
        assert seen == sorted(seen)
        assert seen[-1] == 7


@dataclass
class FixedIds:
    id: str

    def new(self) -> UUID:
        return UUID(self.id)


async def have_an_alert(database, *, rule_id: str, alert_id: str, organization_id: int, name: str) -> None:
    """An active one, of the device of that name, and its rule."""
    await RuleStore(database).insert(
        Rule(
            rule_id=rule_id,
            organization_id=organization_id,
            name=name,
            severity=Severity.INFO,
            condition=Condition(Kind.THRESHOLD, metric="temperature", above=80),
            wait=timedelta(),
            scope=EVERYTHING,
            enabled=True,
            silenced_until=None,
            deleted=False,
            version=1,
            created_by="1",
            created_at=NOON,
            updated_at=NOON,
        )
    )
    alerts = AlertStore(database, ids=FixedIds(alert_id))
    await alerts.mark([Mark(organization_id, rule_id, name)])
    [marked] = await alerts.find_all([alert_id])
    opened = {"phase": Phase.ACTIVE, "state": State.ACTIVE, "opened_at": NOON, "rule_name": name, "version": 1}
    assert await alerts.update(replace(marked, due_at=None, **opened), [])
