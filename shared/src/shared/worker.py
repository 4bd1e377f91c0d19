"""Runs a service's worker: its consumers and timers side by side until SIGTERM, with health and metrics on a port."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from time import monotonic

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import Counter
from tenacity import AsyncRetrying, RetryCallState, wait_exponential_jitter

from shared.cancellation import end, is_cancelled
from shared.garbage import collect_rarely
from shared.http import health
from shared.http.health import Check
from shared.observability import logging
from shared.settings import ServiceSettings

_FAILURES = Counter("muster_worker_job_failures_total", "Jobs that ended with an error and were begun again", ["job"])

_pause = wait_exponential_jitter(multiplier=0.2, max=10)

_WELL_S = 60.0
"""A job that ran for so long was well, and what ended it is no sign that the next attempt will fail too."""

_log = structlog.get_logger(__name__)

Job = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Worker:
    """What a worker does: named jobs that run until cancelled, and the checks that say it is ready."""

    jobs: Mapping[str, Job]
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])


def run_worker(
    opened: Callable[[], AbstractAsyncContextManager[Worker]], *, service: str, settings: ServiceSettings
) -> None:
    """Opens the worker and runs it; SIGTERM or SIGINT cancels the jobs and waits `drain_seconds` for them."""
    logging.configure(service, level=settings.log_level, style=settings.log_format)
    collect_rarely()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(opened, service, settings))


def every(seconds: float, action: Job, *, rest: Callable[[float], Awaitable[None]] = asyncio.sleep) -> Job:
    """A timer: `action` now and then every `seconds`, measured from end to start. An error is counted and waits too.

    `rest` is what it waits by, which may end before its time.
    """

    async def tick() -> None:
        while True:
            try:
                await action()
            except Exception:  # noqa: BLE001 - a timer outlives every error of its action
                _FAILURES.labels(getattr(action, "__qualname__", "timer")).inc()
                _log.exception("timer failed")
            if is_cancelled():
                return
            await rest(seconds)

    return tick


@asynccontextmanager
async def in_background(jobs: Mapping[str, Job]) -> AsyncGenerator[None]:
    """Runs jobs beside something else, an api's requests for example, and ends them with it."""
    tasks = [asyncio.create_task(_keep_running(name, job), name=name) for name, job in jobs.items()]
    try:
        yield
    finally:
        await end(tasks)


async def _run(
    opened: Callable[[], AbstractAsyncContextManager[Worker]], service: str, settings: ServiceSettings
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with opened() as worker, _health_port(service, settings, worker.checks):
        tasks = [asyncio.create_task(_keep_running(name, job), name=name) for name, job in worker.jobs.items()]
        _log.info("worker started", jobs=sorted(worker.jobs))
        await stopping.wait()
        for task in tasks:
            task.cancel()
        _, stuck = await asyncio.wait(tasks, timeout=settings.drain_seconds)
        _log.info("worker stopped", stuck=sorted(task.get_name() for task in stuck))


async def _keep_running(name: str, job: Job) -> None:
    """A job that fails is begun again, so that one bad dependency does not end the others.

    It waits longer each time, but for one that went well for a while: that begins with a short wait again.
    """
    began = monotonic()

    def report(state: RetryCallState) -> None:
        if monotonic() - began >= _WELL_S:
            state.attempt_number = 1
        _FAILURES.labels(name).inc()
        error = state.outcome.exception() if state.outcome else None
        _log.error("job failed and is begun again", job=name, exc_info=error)

    async for attempt in AsyncRetrying(wait=_pause, after=report):
        with attempt:
            began = monotonic()
            await job()


class _HealthServer(uvicorn.Server):
    """A server beside the jobs, which leaves the signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def _health_port(service: str, settings: ServiceSettings, checks: Mapping[str, Check]) -> AsyncGenerator[None]:
    app = FastAPI(openapi_url=None)
    health.install(app, service)
    app.state.checks = checks
    server = _HealthServer(
        uvicorn.Config(app, host=settings.host, port=settings.metrics_port, log_config=None, access_log=False)
    )
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await serving
