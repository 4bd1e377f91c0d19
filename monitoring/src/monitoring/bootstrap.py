"""What both processes of monitoring stand on, wired together. The rest is in `bootstrap_api` and `bootstrap_worker`."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from monitoring.actions.store import ActionStore
from monitoring.alert_rules.store import RuleStore
from monitoring.alerts.service import AlertNews
from monitoring.alerts.store import AlertStore
from monitoring.fleet.service import FleetService
from monitoring.fleet.store import FleetStore
from monitoring.organizations.service import OrganizationService
from monitoring.organizations.store import OrganizationStore
from monitoring.presence.service import PresenceService
from monitoring.presence.store import PresenceStore
from monitoring.rollouts.store import RolloutStore
from monitoring.rollups.service import MarkKeeper
from monitoring.rollups.store import RollupStore
from monitoring.settings import SERVICE, Settings
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from monitoring.updates.store import UpdateStore
from monitoring.uptime.service import UptimeService
from monitoring.uptime.store import UptimeStore
from shared.clock import SystemClock
from shared.http.health import Check
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.publisher import Publisher
from shared.mongo import client
from shared.mongo.revocations import MongoRevocations

_GATHER_LATEST = timedelta(minutes=5)
"""To update a device's document costs the store as much as four samples."""


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
                telemetry_store,
                fleet,
                organizations,
                clock=SystemClock(),
                follower=MarkKeeper(rollup_store, clock=SystemClock(), pace=timedelta(seconds=settings.rollup_seconds)),
                gather_for=_GATHER_LATEST,
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
