"""What the worker adds to the services: its consumers, its timers and the links to sites."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import httpx

from device_management.actions.consumers import NewsConsumer, ReplyConsumer
from device_management.actions.jobs import ActionTimer
from device_management.auth.service import AuthService
from device_management.bootstrap import Core, open_core
from device_management.bridges.gateway import open_link
from device_management.bridges.service import SiteBridges
from device_management.broker_access.consumers import RevocationConsumer
from device_management.broker_access.gateway import BrokerManagement
from device_management.broker_access.jobs import Sweep
from device_management.broker_access.service import ConnectionCloser, KnownBearers
from device_management.configuration.consumers import ReportConsumer
from device_management.device_status.consumers import AttributeConsumer, PresenceConsumer, UpdateConsumer
from device_management.device_tokens.jobs import TokenRotations
from device_management.imports.jobs import ImportSteps
from device_management.imports.service import ImportService
from device_management.mass_configuration.consumers import EndConsumer
from device_management.mass_configuration.jobs import JobSteps
from device_management.mass_configuration.store import JOBS_CHANNEL
from device_management.registration.consumers import RegistrationConsumer
from device_management.resync.jobs import ResyncSteps
from device_management.revocations.service import RevocationService
from device_management.settings import SERVICE, Settings
from device_management.webhooks.consumers import WebhookConsumer
from device_management.webhooks.service import WebhookSender, WebhookService
from shared.clock import SystemClock
from shared.egress import Egress
from shared.http.health import Check
from shared.http.idempotency import forget_old_keys
from shared.http.scope import Scopes
from shared.ids import RandomIds
from shared.messaging import topology
from shared.messaging.batches import BatchConsumer
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.publisher import Publisher
from shared.outbox.command_relay import CommandRelay
from shared.outbox.relay import Relay
from shared.precedence import Precedence
from shared.private_files import write_new
from shared.sql.unit_of_work import UnitOfWork
from shared.worker import Job


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

        asking_first = Precedence()
        job_steps = JobSteps(core.scopes, asking_first)

        yield WorkerParts(
            topology=partial(topology.maintain, broker),
            relay=Relay(settings.database_url(), Publisher(broker), precedence=asking_first),
            command_relay=CommandRelay(
                settings.database_url(),
                Publisher(broker),
                precedence=asking_first,
                also={JOBS_CHANNEL: job_steps.wake},
            ),
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
                broker,
                topology.DEVICE_REPLIES_QUEUE,
                ReplyConsumer(core.scopes, asking_first),
                batch=1_000,
                in_flight=1,
                prefetch=1_000,
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
            job_steps=job_steps,
            resync=ResyncSteps(core.scopes),
            rotations=TokenRotations(core.scopes),
            imports=ImportSteps(core.scopes),
            sweep=Sweep(closer),
            events=EventConsumer(
                broker, topology.WEBHOOKS_QUEUE, WebhookConsumer(core.scopes, asking_first), batch=500
            ),
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
    with suppress(FileExistsError):
        write_new(file, f"{secrets.token_urlsafe(18)}\n".encode())
    return file.read_text().strip()
