"""monitoring's worker: every consumer and timer, by name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from monitoring.bootstrap_worker import open_worker
from monitoring.settings import SERVICE, Settings
from shared.worker import Worker, every, run_worker


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Worker]:
    async with open_worker(settings) as parts:
        yield Worker(
            jobs={
                "topology": parts.topology,
                "prepare": parts.prepare,
                "access": parts.prepared(parts.access.run),
                "fleet": parts.prepared(parts.fleet.run),
                "organizations": parts.organizations.run,
                "updates": parts.updates.run,
                "rollouts": parts.prepared(parts.rollouts.run),
                "actions": parts.prepared(parts.actions.run),
                "alert-presence": parts.prepared(parts.alert_presence.run),
                "alert-looks": parts.prepared(parts.alert_looks.run),
                "alert-sweeps": parts.prepared(every(parts.alert_sweeps.SECONDS, parts.alert_sweeps)),
                "canaries": parts.prepared(parts.canaries.run),
                "telemetry": parts.prepared(parts.telemetry.run),
                "connections": parts.prepared(parts.connections.run),
                "signs": parts.signs.run,
                "collect-signs": every(parts.collect_signs.SECONDS, parts.prepared(parts.collect_signs.flush)),
                "end-silent": every(parts.end_silent.SECONDS, parts.prepared(parts.end_silent)),
                "presence-changes": parts.prepared(parts.presence_changes.run),
                "forget-changes": every(parts.forget_changes.SECONDS, parts.prepared(parts.forget_changes)),
                "reconcile": parts.prepared(parts.reconcile),
                "outbox-relay": parts.prepared(parts.relay.run),
                "live-frames": parts.frames.run,
                "fold-news": every(parts.fold_news.SECONDS, parts.fold_news),
                "forget-rollouts": every(parts.forget_rollouts.SECONDS, parts.forget_rollouts),
                "forget-actions": every(parts.forget_actions.SECONDS, parts.forget_actions),
                "judge-canaries": parts.prepared(every(parts.judge_canaries.SECONDS, parts.judge_canaries)),
                "roll-up": parts.roll_up,
                "drop-past-rollups": every(parts.drop_past_rollups.SECONDS, parts.drop_past_rollups),
                "drop-past-days": every(parts.drop_past_days.SECONDS, parts.drop_past_days),
            },
            checks=parts.checks,
        )


if __name__ == "__main__":
    settings = Settings()
    run_worker(lambda: opened(settings), service=SERVICE, settings=settings)
