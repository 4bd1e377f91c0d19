"""The only place where ota-service's objects are wired together."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import FastAPI
from sqlalchemy import text

from ota_service.actions.consumers import ActionConsumer
from ota_service.actions.service import ActionService
from ota_service.actions.store import ActionStore
from ota_service.bandwidth.service import BandwidthService, Line
from ota_service.bandwidth.store import BandwidthStore
from ota_service.batch_runs.jobs import BatchSteps
from ota_service.batch_runs.service import BatchRunService
from ota_service.batch_runs.store import BatchRunStore
from ota_service.batches.service import BatchService
from ota_service.batches.store import BatchStore
from ota_service.canaries.consumers import CanaryConsumer
from ota_service.canaries.service import CanaryService
from ota_service.canaries.store import CanaryStore
from ota_service.ddi.service import DdiService
from ota_service.ddi.store import DdiStore
from ota_service.explanations.service import ExplanationService
from ota_service.explanations.store import ExplanationStore
from ota_service.firmware.gateway import Blobs
from ota_service.firmware.jobs import SweepFirmware
from ota_service.firmware.service import FirmwareService
from ota_service.firmware.store import FirmwareStore
from ota_service.fleet.consumers import FleetConsumer
from ota_service.fleet.service import FleetService, SelectionService
from ota_service.fleet.store import FleetStore
from ota_service.installations.service import InstallationService
from ota_service.installations.store import InstallationStore
from ota_service.manifests.service import ManifestService
from ota_service.manifests.store import ManifestStore
from ota_service.presence.service import PresenceService
from ota_service.presence.store import PresenceStore
from ota_service.release_documents.service import DocumentService
from ota_service.releases.consumers import OrganizationResyncConsumer
from ota_service.releases.service import ReleaseService
from ota_service.releases.store import ReleaseStore
from ota_service.sessions.consumers import PresenceConsumer, ResyncConsumer
from ota_service.sessions.jobs import Deadlines, Soaks
from ota_service.sessions.rules import Patience
from ota_service.sessions.service import SessionService
from ota_service.sessions.store import SessionStore
from ota_service.settings import SERVICE, Settings
from ota_service.tenants.consumers import TenantConsumer
from ota_service.tenants.service import TenantService
from ota_service.tenants.store import TenantStore
from ota_service.waves.consumers import LateJoiners
from ota_service.waves.jobs import ReleaseSteps
from ota_service.waves.service import WaveService
from ota_service.waves.store import WaveStore
from shared.clock import SystemClock
from shared.http.app import Lifespan
from shared.http.health import Check
from shared.http.idempotency import Answers, forget_old_keys
from shared.http.scope import Scopes
from shared.ids import RandomIds
from shared.manifests import ManifestSigner
from shared.messaging import topology
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Publisher
from shared.messaging.signs import SignsOfLife
from shared.outbox.command_relay import CommandRelay
from shared.outbox.relay import Relay
from shared.revocations import AccessConsumer, Refresh
from shared.sql.engine import open_engine
from shared.sql.revocations import SqlRevocations
from shared.sql.scope import Recipes, unit_scopes
from shared.sql.unit_of_work import UnitOfWork, Units
from shared.tokens import KeyRing
from shared.worker import Job, every, in_background


@dataclass(frozen=True)
class Core:
    """What api and worker both stand on."""

    scopes: Scopes
    refused: SqlRevocations
    checks: dict[str, Check]
    broker: Broker
    signs: SignsOfLife


@asynccontextmanager
async def open_core(settings: Settings, *, process: str = SERVICE) -> AsyncGenerator[Core]:
    async with (
        open_engine(settings, application_name=SERVICE) as engine,
        Broker.open(settings.amqp_url, name=process) as broker,
    ):
        clock, ids = SystemClock(), RandomIds()
        signs = SignsOfLife(Publisher(broker), clock=clock)
        units = Units(engine, source=f"/{SERVICE}", clock=clock, ids=ids)
        blobs = Blobs(settings.firmware_store)
        signer = ManifestSigner.load(settings.keys_dir)
        patience = Patience(
            initiated=timedelta(seconds=settings.update_initiated_seconds),
            acknowledged=timedelta(seconds=settings.update_acknowledged_seconds),
            downloading=timedelta(seconds=settings.update_downloading_seconds),
            flashed=timedelta(seconds=settings.update_flashed_seconds),
            cancelling=timedelta(seconds=settings.update_cancelling_seconds),
        )

        @asynccontextmanager
        async def bandwidths() -> AsyncGenerator[BandwidthStore]:
            async with units.begin() as unit:
                yield BandwidthStore(unit.session)

        line = Line(bandwidths)
        recipes: Recipes = {
            Answers: lambda scope: Answers(scope.unit.session),
            FleetService: lambda scope: FleetService(FleetStore(scope.unit.session), signs),
            SelectionService: lambda scope: SelectionService(FleetStore(scope.unit.session)),
            BandwidthService: lambda scope: BandwidthService(
                BandwidthStore(scope.unit.session), scope.get(SelectionService)
            ),
            TenantService: lambda scope: TenantService(TenantStore(scope.unit.session)),
            ManifestSigner: lambda _scope: signer,
            FirmwareService: lambda scope: FirmwareService(
                FirmwareStore(scope.unit.session), blobs, line, clock=clock, ids=ids
            ),
            PresenceService: lambda scope: PresenceService(PresenceStore(scope.unit.session)),
            InstallationService: lambda scope: InstallationService(InstallationStore(scope.unit.session)),
            ManifestService: lambda scope: ManifestService(
                ManifestStore(scope.unit.session),
                scope.get(FirmwareService),
                scope.get(InstallationService),
                signer=signer,
                ids=ids,
            ),
            DocumentService: lambda scope: DocumentService(scope.get(SelectionService), scope.get(FirmwareService)),
            SessionService: lambda scope: SessionService(
                scope.unit,
                SessionStore(scope.unit.session),
                scope.get(FleetService),
                scope.get(FirmwareService),
                scope.get(ManifestService),
                scope.get(InstallationService),
                scope.get(PresenceService),
                patience=patience,
                ids=ids,
            ),
            ActionService: lambda scope: ActionService(
                scope.unit,
                ActionStore(scope.unit.session),
                scope.get(FleetService),
                scope.get(FirmwareService),
                scope.get(SessionService),
            ),
            DdiService: lambda scope: DdiService(
                scope.unit,
                DdiStore(scope.unit.session),
                scope.get(FleetService),
                scope.get(FirmwareService),
                scope.get(SessionService),
                signs,
                clock=clock,
            ),
            BatchService: lambda scope: BatchService(
                scope.unit,
                BatchStore(scope.unit.session),
                scope.get(FirmwareService),
                scope.get(SelectionService),
                limit=settings.max_batch_devices,
            ),
            BatchRunService: lambda scope: BatchRunService(
                BatchRunStore(scope.unit.session),
                scope.get(BatchService),
                scope.get(SessionService),
                patience=patience.initiated,
            ),
            CanaryService: lambda scope: CanaryService(CanaryStore(scope.unit.session)),
            ReleaseService: lambda scope: ReleaseService(
                scope.unit,
                ReleaseStore(scope.unit.session),
                scope.get(DocumentService),
                scope.get(BatchService),
                scope.get(CanaryService),
            ),
            ExplanationService: lambda scope: ExplanationService(
                ExplanationStore(scope.unit.session),
                scope.get(FleetService),
                scope.get(ReleaseService),
                scope.get(DocumentService),
            ),
            WaveService: lambda scope: WaveService(
                WaveStore(scope.unit.session),
                scope.get(ReleaseService),
                scope.get(DocumentService),
                scope.get(BatchService),
                scope.get(CanaryService),
            ),
        }

        async def database() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))

        yield Core(unit_scopes(units, recipes), SqlRevocations(units), {"postgres": database}, broker, signs)


def api_lifespan(settings: Settings) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_core(settings, process=f"{SERVICE}-api") as core:
            keys = KeyRing.load(settings.keys_dir)
            refresh = Refresh(core.refused.load, keys.revocations)
            await refresh()
            app.state.scopes = core.scopes
            app.state.keys = keys
            app.state.checks = {**core.checks, "revocations": keys.revocations.check}
            jobs = {"revocations": every(refresh.SECONDS, refresh), "signs-of-life": core.signs.run}
            async with in_background(jobs):
                yield

    return lifespan


@dataclass(frozen=True)
class WorkerParts:
    """What `worker.py` puts in its table of contents."""

    topology: Job
    relay: Relay
    command_relay: CommandRelay
    fleet: EventConsumer
    tenants: EventConsumer
    presence: EventConsumer
    resync: EventConsumer
    organization_resync: EventConsumer
    actions: EventConsumer
    canaries: EventConsumer
    deadlines: Deadlines
    soaks: Soaks
    batch_steps: BatchSteps
    release_steps: ReleaseSteps
    tidy: "Tidy"
    sweep_firmware: SweepFirmware
    access: EventConsumer
    checks: dict[str, Check]


class Tidy:
    """Forgets idempotency keys and ended actions that are past their time."""

    SECONDS = 600.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        async with self._scopes() as scope:
            await forget_old_keys(scope.get(UnitOfWork).session)
            await scope.get(ActionService).forget_ended()


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncGenerator[WorkerParts]:
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings, process=f"{SERVICE}-worker"))
        broker, frozen_after = core.broker, timedelta(seconds=settings.postgres_frozen_seconds)
        yield WorkerParts(
            topology=partial(topology.maintain, broker),
            relay=Relay(settings.database_url(), Publisher(broker), frozen_after=frozen_after),
            command_relay=CommandRelay(settings.database_url(), Publisher(broker), frozen_after=frozen_after),
            fleet=EventConsumer(broker, topology.OTA_FLEET_QUEUE, FleetConsumer(core.scopes, LateJoiners(core.scopes))),
            tenants=EventConsumer(broker, topology.OTA_TENANTS_QUEUE, TenantConsumer(core.scopes)),
            presence=EventConsumer(broker, topology.OTA_PRESENCE_QUEUE, PresenceConsumer(core.scopes)),
            resync=EventConsumer(broker, topology.OTA_RESYNC_QUEUE, ResyncConsumer(core.scopes)),
            organization_resync=EventConsumer(
                broker, topology.OTA_ORGANIZATION_RESYNC_QUEUE, OrganizationResyncConsumer(core.scopes)
            ),
            actions=EventConsumer(broker, topology.OTA_ACTIONS_QUEUE, ActionConsumer(core.scopes)),
            canaries=EventConsumer(broker, topology.OTA_CANARY_QUEUE, CanaryConsumer(core.scopes)),
            deadlines=Deadlines(core.scopes),
            soaks=Soaks(core.scopes),
            batch_steps=BatchSteps(core.scopes),
            release_steps=ReleaseSteps(core.scopes),
            tidy=Tidy(core.scopes),
            sweep_firmware=SweepFirmware(core.scopes),
            access=EventConsumer(broker, topology.OTA_ACCESS_QUEUE, AccessConsumer(core.refused.put)),
            checks={**core.checks, "broker": partial(topology.check, broker)},
        )
