"""ota-service's worker: every consumer and timer, by name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ota_service.bootstrap import open_worker
from ota_service.settings import SERVICE, Settings
from shared.worker import Worker, every, run_worker


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Worker]:
    async with open_worker(settings) as parts:
        yield Worker(
            jobs={
                "topology": parts.topology,
                "outbox-relay": parts.relay.run,
                "command-relay": parts.command_relay.run,
                "access": parts.access.run,
                "fleet": parts.fleet.run,
                "tenants": parts.tenants.run,
                "presence": parts.presence.run,
                "resync": parts.resync.run,
                "organization-resync": parts.organization_resync.run,
                "actions": parts.actions.run,
                "canaries": parts.canaries.run,
                "deadlines": every(parts.deadlines.SECONDS, parts.deadlines),
                "soaks": every(parts.soaks.SECONDS, parts.soaks),
                "batches": every(parts.batch_steps.SECONDS, parts.batch_steps),
                "releases": every(parts.release_steps.SECONDS, parts.release_steps),
                "tidy": every(parts.tidy.SECONDS, parts.tidy),
                "sweep-firmware": every(parts.sweep_firmware.SECONDS, parts.sweep_firmware),
            },
            checks=parts.checks,
        )


if __name__ == "__main__":
    settings = Settings()
    run_worker(lambda: opened(settings), service=SERVICE, settings=settings)
