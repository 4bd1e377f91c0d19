"""Runs an application under uvicorn, the same way in every service."""

import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.garbage import collect_rarely
from shared.observability import logging
from shared.settings import ServiceSettings

KEEP_ALIVE_SECONDS = 75
"""Longer than the gateway keeps an idle connection (60 s): who closes first must be the one that would use it next, or
else a request is sent into a connection that is just closing, and is lost."""

STALLED_SECONDS = 120.0
"""A client that is there and takes in nothing for so long is cut off. Behind the gateway a device at 9,600 baud takes
in nothing for a minute at a time, and one that streams an image into its flash memory may pause for less."""


def end_stalled(listening: socket.socket, *, after_s: float = STALLED_SECONDS) -> None:
    """Has the system end connections that are accepted here and whose client takes in nothing of what waits for it.

    Nobody else does: what is closed while something waits to be sent is kept until that is sent, and whoever sends it
    waits too.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(after_s * 1_000))


def _shared_socket(settings: ServiceSettings) -> socket.socket:
    """Bound to the port even while another process of the same user has one like it there."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind((settings.host, settings.port))
    return listening


def serve(app: FastAPI | ASGIApp, *, service: str, settings: ServiceSettings) -> None:
    """Serves until SIGTERM, then drains for at most `drain_seconds`. Exits when it cannot serve."""
    logging.configure(service, level=settings.log_level, style=settings.log_format)
    collect_rarely()
    config = uvicorn.Config(
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
    server = uvicorn.Server(config)
    listening = _shared_socket(settings) if settings.shares_ports else config.bind_socket()
    end_stalled(listening)
    with suppress(KeyboardInterrupt):  # the server has drained and hands the signal on
        server.run(sockets=[listening])
    if not server.started:
        sys.exit(1)
