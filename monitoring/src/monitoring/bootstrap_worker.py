"""What follows events, samples and the clock, wired together."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from monitoring.actions.consumers import ActionConsumer
from monitoring.actions.jobs import ForgetActions
from monitoring.actions.service import ActionTracker
from monitoring.alert_evaluation.consumers import PresenceConsumer
from monitoring.alert_evaluation.jobs import LookAtAlerts, SweepRules
from monitoring.alert_evaluation.service import AlertJudge, Examiner, RuleSweep, StreamWatch
from monitoring.alert_rules.service import RuleBook
from monitoring.alerts.service import AlertService, ConditionService
from monitoring.bootstrap import Core, open_core
from monitoring.canary.consumers import CanaryConsumer
from monitoring.canary.jobs import JudgeCanaries
from monitoring.canary.service import CanaryService
from monitoring.canary.store import CanaryStore
from monitoring.fleet.cache import ScopeCache
from monitoring.fleet.consumers import FleetConsumer
from monitoring.fleet.service import FleetService, ScopeMatcher
from monitoring.frames.service import FrameSender
from monitoring.ingest.consumers import TelemetryConsumer
from monitoring.ingest.service import IngestService
from monitoring.organizations.consumers import OrganizationConsumer
from monitoring.presence.consumers import ConnectionConsumer
from monitoring.presence.gateway import BrokerConnections
from monitoring.presence.jobs import EndSilent, Reconcile
from monitoring.presence.service import PresenceTracker, SignCollector
from monitoring.rollouts.consumers import RolloutConsumer
from monitoring.rollouts.jobs import ForgetRollouts
from monitoring.rollouts.service import RolloutTracker
from monitoring.rollups.jobs import DropPastRollups, RollUp
from monitoring.rollups.service import Roller, RollupService
from monitoring.settings import SERVICE, Settings
from monitoring.telemetry.jobs import DropPastDays, FoldNews
from monitoring.updates.consumers import UpdateConsumer
from monitoring.updates.service import UpdateService, UpdateTracker
from monitoring.uptime.consumers import ChangeConsumer
from monitoring.uptime.jobs import ForgetChanges
from shared.clock import SystemClock
from shared.contracts.routes import LIVE_EXCHANGE
from shared.contracts.signs import SIGNS_KEY
from shared.http.health import Check
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.subscriber import Subscriber
from shared.mongo.lease import Lease
from shared.outbox.documents import DocumentRelay
from shared.revocations import AccessConsumer
from shared.worker import Job, every

_FULL_BATCHES = 3
_BATCHES_APART = timedelta(milliseconds=40)
"""Each costs the store two statements: of many devices that seldom speak, few messages would share them."""
_DEVICES_COME_TOGETHER = timedelta(milliseconds=250)
"""Each batch is a transaction for everyone who hears of it: a fleet that comes back makes few of them."""


@dataclass(frozen=True)
class WorkerParts:
    """What `worker.py` puts in its table of contents."""

    topology: Job
    prepare: Job
    prepared: Callable[[Job], Job]
    """Holds a job back until `prepare` has been done."""

    fleet: EventConsumer
    access: EventConsumer
    organizations: EventConsumer
    updates: EventConsumer
    rollouts: EventConsumer
    actions: EventConsumer
    alert_presence: EventConsumer
    alert_looks: LookAtAlerts
    alert_sweeps: SweepRules
    canaries: EventConsumer
    telemetry: BatchConsumer
    connections: BatchConsumer
    frames: FrameSender
    reconcile: Reconcile
    signs: Subscriber
    collect_signs: SignCollector
    end_silent: EndSilent
    presence_changes: EventConsumer
    forget_changes: ForgetChanges
    relay: DocumentRelay
    fold_news: FoldNews
    forget_rollouts: ForgetRollouts
    forget_actions: ForgetActions
    judge_canaries: JudgeCanaries
    drop_past_days: DropPastDays
    roll_up: Job
    drop_past_rollups: DropPastRollups
    checks: dict[str, Check]


def _alerts(core: Core, frames: FrameSender, relay: DocumentRelay) -> tuple[StreamWatch, LookAtAlerts, SweepRules]:
    """What decides about alerts in a worker. Decisions ask the copy of the fleet as it is, the stream from memory."""
    rules = RuleBook(core.rule_store)
    conditions = ConditionService(core.alert_store, core.alert_news, frames, wake_relay=relay.wake)
    examiner = Examiner(
        core.fleet,
        ScopeMatcher(core.fleet_store, ScopeCache(fresh_s=0)),
        core.telemetry,
        core.presence,
    )
    looks = LookAtAlerts(AlertJudge(rules, conditions, examiner, UpdateService(core.update_store)))
    watch = StreamWatch(rules, conditions, ScopeMatcher(core.fleet_store, ScopeCache()), wake=looks.wake)
    return watch, looks, SweepRules(RuleSweep(rules, conditions, examiner, core.fleet), looks)


def _presence(
    core: Core, connections: BrokerConnections, frames: FrameSender, relay: DocumentRelay, *, services: frozenset[str]
) -> PresenceTracker:
    """`services` are the users of the broker that are no devices."""
    return PresenceTracker(
        core.presence_store,
        core.fleet,
        connections,
        frames,
        clock=SystemClock(),
        ids=RandomIds(),
        source=f"/{SERVICE}",
        services=services,
        wake_relay=relay.wake,
    )


def _canaries(core: Core, store: CanaryStore, frames: FrameSender, relay: DocumentRelay) -> CanaryService:
    return CanaryService(
        store,
        core.fleet,
        UpdateService(core.update_store),
        RollupService(core.rollup_store),
        AlertService(core.alert_store, core.alert_news, frames),
        clock=SystemClock(),
        ids=RandomIds(),
        source=f"/{SERVICE}",
        wake_relay=relay.wake,
    )


def _after(happened: asyncio.Event, job: Job) -> Job:
    async def wait_and_run() -> None:
        await happened.wait()
        await job()

    return wait_and_run


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncGenerator[WorkerParts]:
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings, process=f"{SERVICE}-worker"))
        management = await stack.enter_async_context(
            httpx.AsyncClient(base_url=settings.broker_management_url, timeout=5)
        )
        broker = core.broker
        frames = FrameSender(core.publisher)
        canary_store = CanaryStore(core.database)
        relay = DocumentRelay(
            [core.presence_store.collection, core.alert_store.collection, canary_store.collection],
            Publisher(broker),
            Lease(core.database["leases"], "outbox-relay", holder=uuid4().hex),
        )
        services = frozenset({urlsplit(settings.amqp_url).username or ""})
        tracker = _presence(core, BrokerConnections(management), frames, relay, services=services)
        prepared = asyncio.Event()

        async def prepare() -> None:
            await core.telemetry_store.prepare(undated_for=timedelta(days=settings.undated_days))
            for store in (
                core.fleet_store,
                core.presence_store,
                core.uptime_store,
                core.refused,
                core.rule_store,
                core.alert_store,
                core.rollout_store,
                core.action_store,
                core.update_store,
                canary_store,
            ):
                await store.prepare()
            prepared.set()

        async def reconnected() -> None:
            await broker.consuming.lost()
            await broker.consuming.opened()

        rollouts = RolloutTracker(core.rollout_store, frames, clock=SystemClock())
        canaries = _canaries(core, canary_store, frames, relay)
        actions = ActionTracker(core.action_store, frames, clock=SystemClock())
        roller = Roller(
            core.rollup_store,
            core.telemetry,
            clock=SystemClock(),
            minute_days=settings.minute_rollup_days,
            hour_days=settings.hour_rollup_days,
        )
        signs = SignCollector(tracker, clock=SystemClock(), usual=timedelta(seconds=settings.heard_seconds))
        alert_watch, alert_looks, alert_sweeps = _alerts(core, frames, relay)
        ingest = IngestService(core.telemetry, core.fleet, alert_watch, frames, signs, clock=SystemClock())
        yield WorkerParts(
            topology=partial(topology.maintain, broker),
            prepare=prepare,
            prepared=partial(_after, prepared),
            access=EventConsumer(broker, topology.MONITORING_ACCESS_QUEUE, AccessConsumer(core.refused.put)),
            fleet=EventConsumer(
                broker,
                topology.MONITORING_FLEET_QUEUE,
                FleetConsumer(FleetService(core.fleet_store, newcomers=tracker)),
            ),
            organizations=EventConsumer(
                broker, topology.MONITORING_ORGANIZATIONS_QUEUE, OrganizationConsumer(core.organizations)
            ),
            updates=EventConsumer(
                broker,
                topology.MONITORING_UPDATES_QUEUE,
                UpdateConsumer(UpdateTracker(core.update_store, frames)),
            ),
            rollouts=EventConsumer(broker, topology.MONITORING_ROLLOUTS_QUEUE, RolloutConsumer(rollouts)),
            actions=EventConsumer(broker, topology.MONITORING_ACTIONS_QUEUE, ActionConsumer(actions)),
            alert_presence=EventConsumer(broker, topology.MONITORING_ALERTS_QUEUE, PresenceConsumer(alert_watch)),
            alert_looks=alert_looks,
            alert_sweeps=alert_sweeps,
            canaries=EventConsumer(broker, topology.MONITORING_CANARY_QUEUE, CanaryConsumer(canaries)),
            telemetry=BatchConsumer(
                broker,
                topology.TELEMETRY_QUEUE,
                TelemetryConsumer(ingest),
                batch=settings.telemetry_batch,
                linger=timedelta(milliseconds=settings.telemetry_linger_ms),
                apart=_BATCHES_APART,
                in_flight=settings.telemetry_in_flight,
                prefetch=_FULL_BATCHES * settings.telemetry_batch,
            ),
            connections=BatchConsumer(
                broker,
                topology.PRESENCE_QUEUE,
                ConnectionConsumer(tracker),
                batch=200,
                linger=_DEVICES_COME_TOGETHER,
                in_flight=1,
            ),
            frames=frames,
            reconcile=Reconcile(tracker, reconnected),
            signs=Subscriber(broker, LIVE_EXCHANGE, signs.take, keys=[SIGNS_KEY]),
            collect_signs=signs,
            end_silent=EndSilent(tracker),
            presence_changes=EventConsumer(
                broker, topology.MONITORING_UPTIME_QUEUE, ChangeConsumer(core.uptime), batch=500
            ),
            forget_changes=ForgetChanges(core.uptime),
            relay=relay,
            fold_news=FoldNews(core.telemetry, Lease(core.database["leases"], "news", holder=uuid4().hex)),
            forget_rollouts=ForgetRollouts(rollouts),
            forget_actions=ForgetActions(actions),
            judge_canaries=JudgeCanaries(canaries),
            drop_past_days=DropPastDays(core.telemetry),
            roll_up=every(
                settings.rollup_seconds / 4,
                RollUp(roller, Lease(core.database["leases"], "rollups", holder=uuid4().hex)),
            ),
            drop_past_rollups=DropPastRollups(roller),
            checks=core.checks,
        )
