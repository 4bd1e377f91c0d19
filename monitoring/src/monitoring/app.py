"""monitoring's api: every router, the live streams, and the dashboard's pages."""

from starlette.types import ASGIApp

from monitoring.accounting import api as accounting
from monitoring.alert_rules import api as alert_rules
from monitoring.alerts import api as alerts
from monitoring.bootstrap_api import api_lifespan
from monitoring.ingest import device_api
from monitoring.live.sockets import Sockets
from monitoring.presence import api as presence
from monitoring.queries import api as queries
from monitoring.settings import SERVICE, Settings
from monitoring.telemetry import api as telemetry
from monitoring.uptime import api as uptime
from shared.http.app import create_app
from shared.http.openapi import DocumentedApp, StoreErrors
from shared.http.pages import Pages
from shared.http.server import serve
from shared.mongo.errors import StoreAway


def build(settings: Settings) -> ASGIApp:
    sockets = Sockets(origins=settings.allowed_origins, unread=settings.socket_unread_packets)
    return sockets.mount(rest(settings, sockets), max_body_bytes=settings.max_body_bytes)


def rest(settings: Settings, sockets: Sockets) -> DocumentedApp:
    """All but the live streams."""
    app = create_app(
        service=SERVICE,
        title="Muster monitoring",
        description="Telemetry, presence and alerts; live over Socket.IO at /socket.io.",
        settings=settings,
        lifespan=api_lifespan(settings, sockets),
        store_errors=StoreErrors(always=(StoreAway,)),
    )
    routers = (telemetry, queries, accounting, presence, uptime, alert_rules, alerts, device_api)
    for router in (module.router for module in routers):
        app.include_router(router, prefix="/api/v2")
    app.include_router(queries.monitoring_router, include_in_schema=False)
    if settings.dashboard_dir.is_dir():
        app.mount("/", Pages(settings.dashboard_dir))
    return app


if __name__ == "__main__":
    settings = Settings()
    serve(build(settings), service=SERVICE, settings=settings)
