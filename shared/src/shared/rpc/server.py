"""Runs a gRPC server beside a service's api, with the standard health and reflection services."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shared.rpc.reading import ReadMessages

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
MAX_CALLS = 1_000
"""At once; more are refused with RESOURCE_EXHAUSTED."""

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.http2.max_concurrent_streams", 100),
)

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def serving(
    address: str,
    add: Callable[[aio.Server], None],
    *,
    names: Sequence[str],
    drain_seconds: float,
    shares_port: bool = False,
) -> AsyncGenerator[int]:
    """Answers with the port on which it listens; at the end, calls under way have `drain_seconds` to come to theirs.

    `add` puts the services there, whose full names are `names`. Raises RuntimeError when the address is taken, but by
    another that shares it as this one does.
    """
    options = (*_OPTIONS, ("grpc.so_reuseport", int(shares_port)))
    server = aio.server(interceptors=[ReadMessages(names)], options=options, maximum_concurrent_rpcs=MAX_CALLS)
    add(server)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port(address)
    await server.start()
    for name in ("", *names):
        await state.set(name, health_pb2.HealthCheckResponse.SERVING)
    _log.info("gRPC is served", port=port)
    try:
        yield port
    finally:
        await state.enter_graceful_shutdown()
        await server.stop(drain_seconds)
