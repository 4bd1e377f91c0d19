"""Runs an application under uvicorn, the same way in every service."""

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.garbage import collect_rarely
from shared.observability import logging
from shared.settings import ServiceSettings

KEEP_ALIVE_SECONDS = 75
"""Longer than the gateway keeps an idle connection (60 s): who closes first must be the one that would use it next, or
else a request is sent into a connection that is just closing, and is lost."""


def serve(app: FastAPI | ASGIApp, *, service: str, settings: ServiceSettings) -> None:
    """Serves until SIGTERM, then drains for at most `drain_seconds`."""
    logging.configure(service, level=settings.log_level, style=settings.log_format)
    collect_rarely()
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.drain_seconds),
    )
