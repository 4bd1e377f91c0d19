"""What the api adds to the services: what runs beside it, and the gRPC server."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from device_management.bootstrap import Core, open_core
from device_management.device_calls.rpc import SERVICE_NAME, DeviceCalls
from device_management.keys.jobs import NoteUses
from device_management.settings import Settings
from shared.http.app import Lifespan
from shared.http.rate_limit import Rates
from shared.revocations import Refresh
from shared.rpc.calls import Calls
from shared.rpc.server import serving
from shared.worker import every, in_background


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
    calls = Calls(core.scopes, core.keys, Rates.of(settings))
    devices = DeviceCalls(calls, batch_limit=settings.max_batch_devices)
    address = f"{settings.host}:{settings.grpc_port}"
    return serving(
        address,
        devices.add_to,
        names=[SERVICE_NAME],
        drain_seconds=settings.drain_seconds,
        shares_port=settings.shares_ports,
    )
