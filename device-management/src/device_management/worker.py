"""device-management's worker: every consumer and timer, by name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from device_management.bootstrap_worker import open_worker
from device_management.settings import SERVICE, Settings
from shared.worker import Worker, every, run_worker


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Worker]:
    async with open_worker(settings) as parts:
        yield Worker(
            jobs={
                "topology": parts.topology,
                "outbox-relay": parts.relay.run,
                "command-relay": parts.command_relay.run,
                "presence": parts.presence.run,
                "attributes": parts.attributes.run,
                "registrations": parts.registrations.run,
                "updates": parts.updates.run,
                "revocations": parts.revocations.run,
                "close-again": parts.closer.close_again,
                "sweep-connections": every(parts.sweep.SECONDS, parts.sweep),
                "site-bridges": parts.bridges.run,
                "events-for-webhooks": parts.events.run,
                "webhooks": parts.webhooks.run,
                "replies": parts.replies.run,
                "action-news": parts.action_news.run,
                "action-timer": every(parts.action_timer.SECONDS, parts.action_timer),
                "reports": parts.reports.run,
                "action-ends": parts.ends.run,
                "configuration-jobs": every(parts.job_steps.SECONDS, parts.job_steps, rest=parts.job_steps.rest),
                "imports": every(parts.imports.SECONDS, parts.imports),
                "token-rotations": every(parts.rotations.SECONDS, parts.rotations),
                "resync": every(parts.resync.SECONDS, parts.resync),
                "tidy": every(parts.tidy.SECONDS, parts.tidy),
            },
            checks=parts.checks,
        )


if __name__ == "__main__":
    settings = Settings()
    run_worker(lambda: opened(settings), service=SERVICE, settings=settings)
