"""The FastAPI application every service starts from."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from shared.http import health, idempotency, problem
from shared.http.middleware import BodyLimit, LastResort, RequestContext
from shared.http.openapi import DocumentedApp, StoreErrors
from shared.http.parameters import only_known_parameters
from shared.http.rate_limit import Rate, RateLimit, Rates
from shared.settings import ServiceSettings

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create_app(
    *,
    service: str,
    title: str,
    description: str,
    settings: ServiceSettings,
    lifespan: Lifespan,
    store_errors: StoreErrors,
    body_limits: Mapping[str, int] = MappingProxyType({}),
    rates_by_path: Mapping[str, Rate] = MappingProxyType({}),
    unlimited: tuple[str, ...] = (),
    refuse: problem.Refuse = problem.refuse,
) -> DocumentedApp:
    """An application without routes: problem documents, ids, limits, CORS by exact allow-list, health, metrics.

    `lifespan` (from `bootstrap`) sets `app.state.scopes`, `app.state.keys` and fills `app.state.checks`. `body_limits`
    are the limits in bytes of paths that take more than `max_body_bytes`; `rates_by_path` and `unlimited` are as in
    `RateLimit`; `refuse` is for paths with a dialect of their own; `store_errors` are for the OpenAPI document.
    """
    app = DocumentedApp(
        title=title,
        description=description,
        version="2",
        lifespan=lifespan,
        dependencies=[Depends(only_known_parameters)],
        store_errors=store_errors,
    )
    problem.install(app)
    idempotency.install(app)
    health.install(app, service)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, by_path=body_limits, refuse=refuse)
    app.add_middleware(RateLimit, rates=Rates.of(settings), by_path=rates_by_path, unlimited=unlimited, refuse=refuse)
    app.add_middleware(LastResort, refuse=refuse)
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "X-Correlation-Id"],
            expose_headers=["ETag", "Link", "X-Request-Id", "X-Correlation-Id", "Retry-After", "Idempotent-Replayed"],
        )
    app.add_middleware(RequestContext)
    return app
