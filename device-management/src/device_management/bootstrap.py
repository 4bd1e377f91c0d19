"""The only place where device-management's objects are wired together."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import text

from device_management.actions.consumers import NewsConsumer, ReplyConsumer
from device_management.actions.jobs import ActionTimer
from device_management.actions.service import ActionService
from device_management.actions.store import ActionStore
from device_management.audit.service import AuditService
from device_management.audit.store import AuditStore
from device_management.auth.gateway import Attempts, Passwords
from device_management.auth.service import AuthService, Lifetimes
from device_management.auth.store import AuthStore
from device_management.bridges.gateway import open_link
from device_management.bridges.service import SiteBridges
from device_management.broker_access.consumers import RevocationConsumer
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.jobs import Sweep
from device_management.broker_access.service import BrokerAccessService, ConnectionCloser, KnownBearers
from device_management.configuration.consumers import ReportConsumer
from device_management.configuration.service import ConfigurationService
from device_management.configuration.store import ConfigurationStore
from device_management.device_calls.rpc import SERVICE_NAME, DeviceCalls
from device_management.device_status.consumers import AttributeConsumer, PresenceConsumer, UpdateConsumer
from device_management.device_status.service import DeviceStatusService
from device_management.device_status.store import DeviceStatusStore
from device_management.device_tokens.jobs import TokenRotations
from device_management.device_tokens.service import DeviceTokenService
from device_management.device_tokens.store import DeviceTokenStore
from device_management.devices.cache import DeviceCache
from device_management.devices.service import DeviceService
from device_management.devices.store import DeviceStore
from device_management.groups.service import GroupScope, GroupService, SelectionService
from device_management.groups.store import GroupStore
from device_management.imports.jobs import ImportSteps
from device_management.imports.service import ExportService, ImportService
from device_management.imports.store import ImportStore
from device_management.keys.jobs import NoteUses
from device_management.keys.service import KeyService
from device_management.keys.store import KeyStore
from device_management.mass_configuration.consumers import EndConsumer
from device_management.mass_configuration.jobs import JobSteps
from device_management.mass_configuration.service import JobService
from device_management.mass_configuration.store import JobStore
from device_management.organizations.service import OrganizationService
from device_management.organizations.store import OrganizationStore
from device_management.registration.consumers import RegistrationConsumer
from device_management.registration.service import RegistrationService
from device_management.registration.store import RegistrationStore
from device_management.resync.jobs import ResyncSteps
from device_management.resync.service import ResyncService
from device_management.resync.store import ResyncStore
from device_management.revocations.service import RevocationService
from device_management.revocations.store import RevocationStore
from device_management.roles.service import RoleScopes, RoleService
from device_management.roles.store import RoleStore
from device_management.settings import SERVICE, Settings
from device_management.sites.service import SiteService
from device_management.sites.store import SiteStore
from device_management.users.service import UserService
from device_management.users.store import UserStore
from device_management.webhooks.consumers import WebhookConsumer
from device_management.webhooks.gateway import Receivers
from device_management.webhooks.service import WebhookSender, WebhookService
from device_management.webhooks.store import WebhookStore
from shared.clock import SystemClock
from shared.egress import Egress
from shared.http.app import Lifespan
from shared.http.health import Check
from shared.http.idempotency import forget_old_keys
from shared.http.rate_limit import Rate
from shared.http.scope import Scopes
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Publisher
from shared.outbox.command_relay import CommandRelay
from shared.outbox.relay import Relay
from shared.revocations import Refresh
from shared.rpc.calls import Calls
from shared.rpc.server import serving
from shared.sealing import Sealer
from shared.sql.engine import open_engine
from shared.sql.revocations import SqlRevocations
from shared.sql.scope import Recipes, unit_scopes
from shared.sql.unit_of_work import UnitOfWork, Units
from shared.tokens import KeyRing, TokenSigner
from shared.worker import Job, every, in_background


@dataclass(frozen=True)
class Core:
    """What api and worker both stand on."""

    settings: Settings
    scopes: Scopes
    keys: KeyRing
    sealer: Sealer
    refused: SqlRevocations
    receivers: Receivers
    checks: dict[str, Check]


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncGenerator[Core]:
    clock, ids = SystemClock(), RandomIds()
    signer, keys = TokenSigner.load(settings.keys_dir), KeyRing.load(settings.keys_dir)
    sealer = Sealer.load(settings.keys_dir)
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_engine(settings, application_name=SERVICE))
        redis = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
            settings.redis_url, socket_timeout=0.5, socket_connect_timeout=0.5
        )
        stack.push_async_callback(redis.aclose)
        units = Units(engine, source=f"/{SERVICE}", clock=clock, ids=ids)
        web = await stack.enter_async_context(httpx.AsyncClient(timeout=10, follow_redirects=False, trust_env=False))
        receivers = Receivers(web, Egress(settings.allowed_networks))
        cache, passwords = DeviceCache(redis), Passwords()
        recipes: Recipes = {
            AuditService: lambda scope: AuditService(AuditStore(scope.unit.session)),
            RevocationService: lambda scope: RevocationService(scope.unit, RevocationStore(scope.unit.session)),
            OrganizationService: lambda scope: OrganizationService(
                scope.unit,
                OrganizationStore(scope.unit.session),
                scope.get(AuditService),
                scope.get(RevocationService),
                DeviceStore(scope.unit.session),
            ),
            AuthService: lambda scope: AuthService(
                AuthStore(scope.unit.session),
                scope.get(OrganizationService),
                scope.get(RevocationService),
                scope.get(AuditService),
                scope.get(RoleScopes),
                passwords=passwords,
                attempts=Attempts(redis),
                signer=signer,
                lifetimes=Lifetimes(
                    access=timedelta(minutes=settings.access_token_minutes),
                    refresh=timedelta(days=settings.refresh_token_days),
                ),
                clock=clock,
                ids=ids,
            ),
            KeyService: lambda scope: KeyService(
                KeyStore(scope.unit.session),
                scope.get(AuthService),
                scope.get(RevocationService),
                scope.get(AuditService),
                signer=signer,
                clock=clock,
                ids=ids,
            ),
            UserService: lambda scope: UserService(
                UserStore(scope.unit.session),
                scope.get(AuthService),
                scope.get(KeyService),
                scope.get(OrganizationService),
                scope.get(AuditService),
                scope.get(RoleScopes),
                clock=clock,
            ),
            RoleScopes: lambda scope: RoleScopes(RoleStore(scope.unit.session)),
            RoleService: lambda scope: RoleService(
                RoleStore(scope.unit.session),
                scope.get(OrganizationService),
                scope.get(UserService),
                scope.get(AuditService),
            ),
            DeviceService: lambda scope: DeviceService(
                scope.unit,
                DeviceStore(scope.unit.session),
                cache,
                scope.get(AuditService),
                scope.get(GroupScope),
            ),
            RegistrationService: lambda scope: RegistrationService(
                scope.unit,
                RegistrationStore(scope.unit.session),
                scope.get(DeviceService),
                scope.get(AuditService),
                scope.get(OrganizationService),
                batch_limit=settings.max_batch_devices,
                clock=clock,
                ids=ids,
            ),
            DeviceStatusService: lambda scope: DeviceStatusService(
                scope.unit, DeviceStatusStore(scope.unit.session), scope.get(DeviceService), scope.get(AuditService)
            ),
            DeviceTokenService: lambda scope: DeviceTokenService(
                DeviceTokenStore(scope.unit.session),
                scope.get(DeviceService),
                scope.get(AuditService),
                signer=signer,
                lifetime=timedelta(days=settings.device_token_days),
                clock=clock,
                ids=ids,
            ),
            GroupScope: lambda scope: GroupScope(GroupStore(scope.unit.session)),
            SelectionService: lambda scope: SelectionService(
                GroupStore(scope.unit.session), scope.get(GroupScope), scope.get(DeviceService)
            ),
            GroupService: lambda scope: GroupService(
                scope.unit,
                GroupStore(scope.unit.session),
                scope.get(DeviceService),
                scope.get(AuditService),
                clock=clock,
            ),
            SiteService: lambda scope: SiteService(
                SiteStore(scope.unit.session),
                scope.get(DeviceService),
                scope.get(AuditService),
                sealer,
                clock=clock,
                ids=ids,
            ),
            ImportService: lambda scope: ImportService(
                ImportStore(scope.unit.session),
                scope.get(RegistrationService),
                scope.get(DeviceService),
                max_rows=settings.max_import_rows,
            ),
            ExportService: lambda _: ExportService(scopes),
            ResyncService: lambda scope: ResyncService(
                scope.unit,
                ResyncStore(scope.unit.session),
                scope.get(OrganizationService),
                scope.get(RevocationService),
                scope.get(DeviceService),
                scope.get(GroupService),
                with_devices=(scope.get(ActionService), scope.get(ConfigurationService)),
                at_once=(scope.get(JobService),),
            ),
            ActionService: lambda scope: ActionService(
                scope.unit,
                ActionStore(scope.unit.session),
                scope.get(DeviceService),
                scope.get(DeviceStatusService),
                scope.get(SelectionService),
                scope.get(AuditService),
                ids=ids,
            ),
            ConfigurationService: lambda scope: ConfigurationService(
                scope.unit,
                ConfigurationStore(scope.unit.session),
                scope.get(SelectionService),
                scope.get(ActionService),
                scope.get(AuditService),
            ),
            JobService: lambda scope: JobService(
                scope.unit,
                JobStore(scope.unit.session),
                scope.get(ConfigurationService),
                scope.get(SelectionService),
                scope.get(ActionService),
                scope.get(SiteService),
                scope.get(AuditService),
                clock=clock,
                ids=ids,
            ),
            WebhookService: lambda scope: WebhookService(
                WebhookStore(scope.unit.session), scope.get(AuditService), receivers, sealer, clock=clock, ids=ids
            ),
            BrokerAccessService: lambda scope: BrokerAccessService(
                scope.unit,
                scope.get(DeviceTokenService),
                scope.get(KeyService),
                scope.get(RegistrationService),
                keys=keys,
                vhost=settings.broker_vhost,
                clock=clock,
            ),
        }

        scopes = unit_scopes(units, recipes)

        async def database() -> None:
            async with engine.connect() as connection:
                await connection.execute(text("select 1"))

        yield Core(
            settings,
            scopes,
            keys,
            sealer,
            SqlRevocations(units),
            receivers,
            {"postgres": database},
        )


def api_lifespan(settings: Settings) -> Lifespan:
    """The api needs no broker: what it publishes goes through the outbox."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_core(settings) as core:
            refresh = Refresh(core.refused.load, core.keys.revocations)
            await refresh()
            app.state.scopes = core.scopes
            app.state.keys = core.keys
            app.state.checks = {**core.checks, "revocations": core.keys.revocations.check}
            note_uses = NoteUses(core.scopes, core.keys)
            jobs = {
                "revocations": every(refresh.SECONDS, refresh),
                "note-uses": every(note_uses.SECONDS, note_uses),
            }
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(in_background(jobs))
                if settings.grpc_port:
                    await stack.enter_async_context(serving_calls(settings, core))
                yield

    return lifespan


def serving_calls(settings: Settings, core: Core) -> AbstractAsyncContextManager[int]:
    """The gRPC server, listening while it is open; answers with its port."""
    calls = Calls(core.scopes, core.keys, Rate(settings.person_requests_per_second))
    devices = DeviceCalls(calls, batch_limit=settings.max_batch_devices)
    address = f"{settings.host}:{settings.grpc_port}"
    return serving(address, devices.add_to, names=[SERVICE_NAME], drain_seconds=settings.drain_seconds)


@dataclass(frozen=True)
class WorkerParts:
    """What `worker.py` puts in its table of contents."""

    topology: Job
    relay: Relay
    command_relay: CommandRelay
    presence: EventConsumer
    attributes: EventConsumer
    registrations: EventConsumer
    updates: EventConsumer
    revocations: EventConsumer
    closer: ConnectionCloser
    sweep: Sweep
    bridges: SiteBridges
    events: EventConsumer
    webhooks: WebhookSender
    replies: BatchConsumer
    action_news: EventConsumer
    action_timer: ActionTimer
    reports: BatchConsumer
    ends: EventConsumer
    job_steps: JobSteps
    resync: ResyncSteps
    rotations: TokenRotations
    imports: ImportSteps
    tidy: "Tidy"
    checks: dict[str, Check]


class Tidy:
    """Forgets what is past its time: idempotency keys, ended sign-ins, refused tokens, old deliveries and imports."""

    SECONDS = 600.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        async with self._scopes() as scope:
            await forget_old_keys(scope.get(UnitOfWork).session)
            await scope.get(AuthService).forget_expired()
            await scope.get(RevocationService).forget()
            await scope.get(WebhookService).forget_old()
            await scope.get(ImportService).forget_finished()


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncGenerator[WorkerParts]:
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(open_core(settings))
        await _ensure_first_administrator(core)
        broker = await stack.enter_async_context(Broker.open(settings.amqp_url, name=f"{SERVICE}-worker"))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.broker_management_url, timeout=5))
        closer = ConnectionCloser(BrokerManagement(client), KnownBearers(core.scopes), clock=SystemClock())

        yield WorkerParts(
            topology=partial(topology.maintain, broker),
            relay=Relay(settings.database_url(), Publisher(broker)),
            command_relay=CommandRelay(settings.database_url(), Publisher(broker)),
            presence=EventConsumer(broker, topology.DEVICE_PRESENCE_QUEUE, PresenceConsumer(core.scopes)),
            attributes=EventConsumer(broker, topology.DEVICE_ATTRIBUTES_QUEUE, AttributeConsumer(core.scopes)),
            registrations=EventConsumer(broker, topology.REGISTRATIONS_QUEUE, RegistrationConsumer(core.scopes)),
            updates=EventConsumer(broker, topology.DEVICE_UPDATES_QUEUE, UpdateConsumer(core.scopes)),
            revocations=EventConsumer(broker, topology.BROKER_ACCESS_QUEUE, RevocationConsumer(closer)),
            closer=closer,
            bridges=SiteBridges(
                core.scopes,
                open_link,
                Publisher(broker),
                Egress(settings.allowed_networks),
                core.sealer,
                holder=RandomIds().new().hex,
            ),
            replies=BatchConsumer(
                broker, topology.DEVICE_REPLIES_QUEUE, ReplyConsumer(core.scopes), batch=200, in_flight=1
            ),
            action_news=EventConsumer(broker, topology.DEVICE_ACTIONS_QUEUE, NewsConsumer(core.scopes)),
            action_timer=ActionTimer(core.scopes),
            reports=BatchConsumer(
                broker,
                topology.DEVICE_REPORTS_QUEUE,
                ReportConsumer(core.scopes, clock=SystemClock()),
                batch=200,
                in_flight=1,
            ),
            ends=EventConsumer(broker, topology.CONFIGURATION_QUEUE, EndConsumer(core.scopes), batch=500),
            job_steps=JobSteps(core.scopes),
            resync=ResyncSteps(core.scopes),
            rotations=TokenRotations(core.scopes),
            imports=ImportSteps(core.scopes),
            sweep=Sweep(closer),
            events=EventConsumer(broker, topology.WEBHOOKS_QUEUE, WebhookConsumer(core.scopes)),
            webhooks=WebhookSender(core.scopes, core.receivers, core.sealer, clock=SystemClock()),
            tidy=Tidy(core.scopes),
            checks={**core.checks, "broker": partial(topology.check, broker)},
        )


async def _ensure_first_administrator(core: Core) -> None:
    settings = core.settings
    async with core.scopes() as scope:
        await scope.get(AuthService).ensure_first_administrator(
            email=settings.admin_email,
            password=settings.admin_password or _generated_password(settings),
            slug=settings.organization_slug,
            organization=settings.organization_name,
        )


def _generated_password(settings: Settings) -> str:
    """The password in `admin-password`, written there once, for its owner's eyes."""
    file = settings.admin_password_file()
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18) + "\n")
    return file.read_text().strip()
