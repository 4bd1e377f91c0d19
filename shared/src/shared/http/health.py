"""Liveness and readiness. A process is alive while its loop turns; it is ready while all it needs answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest
from pydantic import BaseModel
from starlette.responses import Response

Check = Callable[[], Awaitable[None]]
"""Returns when the dependency answers and raises when it does not."""

CHECK_SECONDS = 3.0

router = APIRouter(include_in_schema=False)


class Health(BaseModel):
    status: Literal["ready", "not_ready"]
    service: str
    checks: dict[str, str]
    """`ok`, or the kind of the error; no addresses, no credentials."""


async def assess(service: str, checks: Mapping[str, Check]) -> Health:
    results = dict(zip(checks, await asyncio.gather(*map(_run, checks.values())), strict=True))
    ready = all(result == "ok" for result in results.values())
    return Health(status="ready" if ready else "not_ready", service=service, checks=results)


async def _run(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, the dependency does not answer
        return type(error).__name__
    return "ok"


@router.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz")
@router.get("/health")
async def readyz(request: Request) -> JSONResponse:
    health = await assess(request.app.state.service, request.app.state.checks)
    return JSONResponse(health.model_dump(), 200 if health.status == "ready" else 503)


@router.get("/metrics")
async def metrics(names: Annotated[Sequence[str], Query(alias="name[]")] = ()) -> Response:
    """All samples, or those of these names, as Prometheus' own clients have it: to render all takes milliseconds."""
    registry = REGISTRY.restricted_registry(names) if names else REGISTRY
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


PATHS = frozenset({"/livez", "/readyz", "/health", "/metrics"})


def install(app: FastAPI, service: str) -> None:
    app.state.service = service
    app.state.checks = {}
    app.include_router(router)
