"""What answers people: services, live streams and the jobs beside them, wired together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar, cast

from fastapi import FastAPI

from monitoring.accounting.service import AccountingService
from monitoring.actions.service import ActionService
from monitoring.alert_rules.service import RuleService
from monitoring.alerts.service import AlertService
from monitoring.bootstrap import Core, open_core
from monitoring.frames.service import FrameSender
from monitoring.ingest.service import TelemetrySubmission
from monitoring.live.service import LiveService
from monitoring.live.sockets import Sockets
from monitoring.queries.service import ExportService, QueryService
from monitoring.rollouts.service import RolloutService
from monitoring.rollups.service import FreshRollups, RollupService
from monitoring.settings import SERVICE, Settings
from monitoring.snapshots.service import SnapshotService
from monitoring.snapshots.states import Topic
from monitoring.updates.service import UpdateService
from shared.clock import SystemClock
from shared.contracts.routes import LIVE_EXCHANGE
from shared.http.app import Lifespan
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.subscriber import Subscriber
from shared.revocations import Refresh
from shared.tokens import KeyRing
from shared.worker import every, in_background

T = TypeVar("T")

_LIVE_SECONDS = 0.025
_SWEEP_SECONDS = 1.0


class Services:
    """What requests are answered with: nothing here has a transaction, so every request gets the same ones."""

    def __init__(self, *services: object) -> None:
        self._services: dict[type[Any], object] = {type(service): service for service in services}

    def get(self, kind: type[T]) -> T:
        return cast("T", self._services[kind])


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
    rollups = FreshRollups(
        core.rollup_store,
        core.telemetry,
        clock=SystemClock(),
        lag=timedelta(seconds=2.5 * settings.rollup_seconds),
    )
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
    return queries, exports, AccountingService(core.fleet, RollupService(core.rollup_store), clock=SystemClock())
