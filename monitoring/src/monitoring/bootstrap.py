"""The only place where monitoring's objects are wired together."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from fastapi import FastAPI

from monitoring.accounting.service import AccountingService
from monitoring.actions.consumers import ActionConsumer
from monitoring.actions.jobs import ForgetActions
from monitoring.actions.service import ActionService, ActionTracker
from monitoring.actions.store import ActionStore
from monitoring.alert_evaluation.consumers import PresenceConsumer
from monitoring.alert_evaluation.jobs import LookAtAlerts, SweepRules
from monitoring.alert_evaluation.service import AlertJudge, Examiner, RuleSweep, StreamWatch
from monitoring.alert_rules.service import RuleBook, RuleService
from monitoring.alert_rules.store import RuleStore
from monitoring.alerts.service import AlertNews, AlertService, ConditionService
from monitoring.alerts.store import AlertStore
from monitoring.canary.consumers import CanaryConsumer
from monitoring.canary.jobs import JudgeCanaries
from monitoring.canary.service import CanaryService
from monitoring.canary.store import CanaryStore
from monitoring.fleet.cache import ScopeCache
from monitoring.fleet.consumers import FleetConsumer
from monitoring.fleet.service import FleetService, ScopeMatcher
from monitoring.fleet.store import FleetStore
from monitoring.frames.service import FrameSender
from monitoring.ingest.consumers import TelemetryConsumer
from monitoring.ingest.service import IngestService, TelemetrySubmission
from monitoring.live.service import LiveService
from monitoring.live.sockets import Sockets
from monitoring.organizations.consumers import OrganizationConsumer
from monitoring.organizations.service import OrganizationService
from monitoring.organizations.store import OrganizationStore
from monitoring.presence.consumers import ConnectionConsumer
from monitoring.presence.gateway import BrokerConnections
from monitoring.presence.jobs import EndSilent, Reconcile
from monitoring.presence.service import PresenceService, PresenceTracker, SignCollector
from monitoring.presence.store import PresenceStore
from monitoring.queries.service import ExportService, QueryService
from monitoring.rollouts.consumers import RolloutConsumer
from monitoring.rollouts.jobs import ForgetRollouts
from monitoring.rollouts.service import RolloutService, RolloutTracker
from monitoring.rollouts.store import RolloutStore
from monitoring.rollups.jobs import DropPastRollups, RollUp
from monitoring.rollups.service import MarkKeeper, Roller, RollupService
from monitoring.rollups.store import RollupStore
from monitoring.settings import SERVICE, Settings
from monitoring.snapshots.service import SnapshotService
from monitoring.snapshots.states import Topic
from monitoring.telemetry.jobs import DropPastDays, FoldNews
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from monitoring.updates.consumers import UpdateConsumer
from monitoring.updates.service import UpdateService, UpdateTracker
from monitoring.updates.store import UpdateStore
from monitoring.uptime.consumers import ChangeConsumer
from monitoring.uptime.jobs import ForgetChanges
from monitoring.uptime.service import UptimeService
from monitoring.uptime.store import UptimeStore
from shared.clock import SystemClock
from shared.contracts.routes import LIVE_EXCHANGE
from shared.contracts.signs import SIGNS_KEY
from shared.http.app import Lifespan
from shared.http.health import Check
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.subscriber import Subscriber
from shared.mongo import client
from shared.mongo.lease import Lease
from shared.mongo.revocations import MongoRevocations
from shared.outbox.documents import DocumentRelay
from shared.revocations import AccessConsumer, Refresh
from shared.tokens import KeyRing
from shared.worker import Job, every, in_background

T = TypeVar("T")

_FULL_BATCHES = 3
_LIVE_SECONDS = 0.025
_SWEEP_SECONDS = 1.0


@dataclass(frozen=True)
class Core:
    """What api and worker both stand on."""

    database: client.Database
    fleet: FleetService
    fleet_store: FleetStore
    organizations: OrganizationService
    telemetry: TelemetryService
    rollup_store: RollupStore
    telemetry_store: TelemetryStore
    presence_store: PresenceStore
    alert_store: AlertStore
    alert_news: AlertNews
    rule_store: RuleStore
    refused: MongoRevocations
    update_store: UpdateStore
    rollout_store: RolloutStore
    action_store: ActionStore
    presence: PresenceService
    uptime: UptimeService
    uptime_store: UptimeStore
    broker: Broker
    publisher: Publisher
    checks: dict[str, Check]


class Services:
    """What requests are answered with: nothing here has a transaction, so every request gets the same ones."""

    def __init__(self, *services: object) -> None:
        self._services: dict[type[Any], object] = {type(service): service for service in services}

    def get(self, kind: type[T]) -> T:
        return cast("T", self._services[kind])


@asynccontextmanager
async def open_core(settings: Settings, *, process: str) -> AsyncGenerator[Core]:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            client.open(settings.mongodb_url, settings.mongodb_database, name=process)
        )
        broker = await stack.enter_async_context(Broker.open(settings.amqp_url, name=process))
        fleet_store, telemetry_store = FleetStore(database), TelemetryStore(database)
        fleet = FleetService(fleet_store)
        organizations = OrganizationService(OrganizationStore(database), days=settings.retentions)
        rollup_store = RollupStore(database)
        presence_store, uptime_store = PresenceStore(database), UptimeStore(database)
        presence = PresenceService(presence_store, fleet)
        kept = timedelta(days=settings.presence_days)
        yield Core(
            database=database,
            fleet=fleet,
            fleet_store=fleet_store,
            organizations=organizations,
            telemetry=TelemetryService(
                telemetry_store, fleet, organizations, clock=SystemClock(), follower=MarkKeeper(rollup_store)
            ),
            rollup_store=rollup_store,
            telemetry_store=telemetry_store,
            presence_store=presence_store,
            presence=presence,
            uptime=UptimeService(uptime_store, presence, clock=SystemClock(), kept=kept),
            uptime_store=uptime_store,
            alert_store=AlertStore(database, ids=RandomIds()),
            alert_news=AlertNews(clock=SystemClock(), ids=RandomIds(), source=f"/{SERVICE}"),
            rule_store=RuleStore(database),
            refused=MongoRevocations(database),
            update_store=UpdateStore(database),
            rollout_store=RolloutStore(database),
            action_store=ActionStore(database),
            broker=broker,
            publisher=Publisher(broker),
            checks={"mongodb": partial(client.check, database), "broker": partial(topology.check, broker)},
        )


def api_lifespan(settings: Settings, sockets: Sockets) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_core(settings, process=f"{SERVICE}-api") as core:
            keys = KeyRing.load(settings.keys_dir)
            refresh = Refresh(core.refused.load, keys.revocations)
            await refresh()
            changes = FrameSender(core.publisher)
            alerts = AlertService(core.alert_store, core.alert_news, changes)
            live = LiveService(sockets, core.fleet, _snapshots(core, alerts), keys=keys, clock=SystemClock())
            frames = Subscriber(core.broker, LIVE_EXCHANGE, live.deliver, resumed=live.resume)
            live.listen_to(frames)
            sockets.serve(live)
            services = Services(
                core.telemetry,
                *_questions(core, settings),
                core.presence,
                core.uptime,
                RuleService(core.rule_store, core.fleet, ids=RandomIds()),
                alerts,
                TelemetrySubmission(core.publisher, core.fleet),
            )

            @asynccontextmanager
            async def scopes() -> AsyncGenerator[Services]:
                yield services

            app.state.scopes = scopes
            app.state.keys = keys
            app.state.checks = {**core.checks, "revocations": keys.revocations.check}
            jobs = {
                "topology": partial(topology.maintain, core.broker),
                "live-frames": frames.run,
                "live-changes": changes.run,
                "live-groups": every(live.GROUP_SECONDS, live.follow_groups),
                "live-due": every(_LIVE_SECONDS, live.send_due),
                "revocations": every(refresh.SECONDS, refresh),
                "live-expired": every(_SWEEP_SECONDS, live.end_expired),
                "live-slow": every(_SWEEP_SECONDS, sockets.sweep),
            }
            async with in_background(jobs):
                yield

    return lifespan


def _snapshots(core: Core, alerts: AlertService) -> SnapshotService:
    updates = UpdateService(core.update_store)
    actions = ActionService(core.action_store, clock=SystemClock())
    rollouts = RolloutService(core.rollout_store, clock=SystemClock())
    return SnapshotService(
        core.fleet,
        of_devices={
            Topic.TELEMETRY: core.telemetry.latest_among,
            Topic.PRESENCE: core.presence.heard_of,
            Topic.UPDATES: updates.among,
            Topic.ALERTS: alerts.among,
            Topic.ACTIONS: actions.among,
            Topic.CONFIGURATION: actions.configurations,
        },
        common={
            Topic.RELEASES: rollouts.releases,
            Topic.BATCHES: rollouts.batches,
            Topic.CONFIGURATION: rollouts.configuration_jobs,
        },
    )


def _questions(core: Core, settings: Settings) -> tuple[QueryService, ExportService, AccountingService]:
    rollups = RollupService(core.rollup_store)
    queries = QueryService(
        core.fleet,
        core.organizations,
        core.telemetry,
        rollups,
        clock=SystemClock(),
        minute_days=settings.minute_rollup_days,
        hour_days=settings.hour_rollup_days,
    )
    exports = ExportService(queries, core.telemetry, rollups)
    return queries, exports, AccountingService(core.fleet, rollups, clock=SystemClock())


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
        tracker = PresenceTracker(
            core.presence_store,
            core.fleet,
            BrokerConnections(management),
            frames,
            clock=SystemClock(),
            ids=RandomIds(),
            source=f"/{SERVICE}",
            services=frozenset({urlsplit(settings.amqp_url).username or ""}),
            wake_relay=relay.wake,
        )
        prepared = asyncio.Event()

        async def prepare() -> None:
            await core.fleet_store.prepare()
            await core.telemetry_store.prepare(undated_for=timedelta(days=settings.undated_days))
            await core.presence_store.prepare()
            await core.uptime_store.prepare()
            await core.refused.prepare()
            await core.rule_store.prepare()
            await core.alert_store.prepare()
            await core.rollout_store.prepare()
            await core.action_store.prepare()
            await core.update_store.prepare()
            await canary_store.prepare()
            prepared.set()

        def when_prepared(job: Job) -> Job:
            async def wait_and_run() -> None:
                await prepared.wait()
                await job()

            return wait_and_run

        async def reconnected() -> None:
            await broker.consuming.lost()
            await broker.consuming.opened()

        rollouts = RolloutTracker(core.rollout_store, frames, clock=SystemClock())
        canaries = CanaryService(
            canary_store,
            core.fleet,
            UpdateService(core.update_store),
            RollupService(core.rollup_store),
            AlertService(core.alert_store, core.alert_news, frames),
            clock=SystemClock(),
            ids=RandomIds(),
            source=f"/{SERVICE}",
            wake_relay=relay.wake,
        )
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
            prepared=when_prepared,
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
                in_flight=settings.telemetry_in_flight,
                prefetch=_FULL_BATCHES * settings.telemetry_batch,
            ),
            connections=BatchConsumer(
                broker, topology.PRESENCE_QUEUE, ConnectionConsumer(tracker), batch=200, in_flight=1
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
            fold_news=FoldNews(core.telemetry),
            forget_rollouts=ForgetRollouts(rollouts),
            forget_actions=ForgetActions(actions),
            judge_canaries=JudgeCanaries(canaries),
            drop_past_days=DropPastDays(core.telemetry),
            roll_up=every(
                settings.rollup_seconds,
                RollUp(roller, Lease(core.database["leases"], "rollups", holder=uuid4().hex)),
            ),
            drop_past_rollups=DropPastRollups(roller),
            checks=core.checks,
        )
