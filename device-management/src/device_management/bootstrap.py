"""Where device-management's services are wired together, for api and worker alike."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis
from sqlalchemy import text

from device_management.actions.service import ActionService
from device_management.actions.store import ActionStore
from device_management.audit.service import AuditService
from device_management.audit.store import AuditStore
from device_management.auth.gateway import Attempts, Passwords
from device_management.auth.service import AuthService, Lifetimes
from device_management.auth.store import AuthStore
from device_management.broker_access.service import BrokerAccessService, Credentials
from device_management.configuration.service import ConfigurationService
from device_management.configuration.store import ConfigurationStore
from device_management.device_status.service import DeviceStatusService
from device_management.device_status.store import DeviceStatusStore
from device_management.device_tokens.service import DeviceTokenService
from device_management.device_tokens.store import DeviceTokenStore
from device_management.devices.cache import DeviceCache
from device_management.devices.service import DeviceService
from device_management.devices.store import DeviceStore
from device_management.groups.service import GroupScope, GroupService, SelectionService
from device_management.groups.store import GroupStore
from device_management.imports.service import ExportService, ImportService
from device_management.imports.store import ImportStore
from device_management.keys.service import KeyService
from device_management.keys.store import KeyStore
from device_management.mass_configuration.service import JobService
from device_management.mass_configuration.store import JobStore
from device_management.organizations.service import OrganizationService
from device_management.organizations.store import OrganizationStore
from device_management.registration.service import RegistrationService
from device_management.registration.store import RegistrationStore
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
from device_management.webhooks.gateway import Receivers, client
from device_management.webhooks.service import WebhookService
from device_management.webhooks.store import WebhookStore
from shared.clock import SystemClock
from shared.egress import Egress
from shared.http.health import Check
from shared.http.idempotency import Answers
from shared.http.scope import Scopes
from shared.ids import RandomIds
from shared.sealing import Sealer
from shared.sql.engine import open_engine
from shared.sql.revocations import SqlRevocations
from shared.sql.scope import Recipes, unit_scopes
from shared.sql.unit_of_work import Units
from shared.tokens import KeyRing, TokenSigner

_CACHE_S = 0.5
_ATTEMPTS_S = 5.0
"""How long Redis is waited for: without the cache PostgreSQL is read, without the count a guess is free."""


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
        quick, patient = _redis(settings, _CACHE_S), _redis(settings, _ATTEMPTS_S)
        stack.push_async_callback(quick.aclose)
        stack.push_async_callback(patient.aclose)
        units = Units(engine, source=f"/{SERVICE}", clock=clock, ids=ids)
        web = await stack.enter_async_context(client())
        receivers = Receivers(web, Egress(settings.allowed_networks))
        cache, passwords = DeviceCache(quick), Passwords()
        recipes: Recipes = {
            Answers: lambda scope: Answers(scope.unit.session, sealer),
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
                attempts=Attempts(patient),
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
                scope.unit,
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
                credentials,
                scope.get(DeviceTokenService),
                scope.get(KeyService),
                scope.get(RegistrationService),
                keys=keys,
                vhost=settings.broker_vhost,
                clock=clock,
            ),
        }

        scopes = unit_scopes(units, recipes)
        credentials = Credentials(scopes)

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


def _redis(settings: Settings, seconds: float) -> Redis:
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds
    )
