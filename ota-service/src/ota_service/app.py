"""ota-service's api: every router, by name."""

from fastapi import FastAPI

from ota_service.bandwidth import api as bandwidth
from ota_service.batches import api as batches
from ota_service.bootstrap import api_lifespan
from ota_service.ddi import api as ddi
from ota_service.ddi import device_api as ddi_of_device
from ota_service.explanations import api as explanations
from ota_service.firmware import api as firmware
from ota_service.fleet import api as fleet
from ota_service.releases import api as releases
from ota_service.sessions import api as sessions
from ota_service.sessions import device_api as sessions_of_device
from ota_service.settings import SERVICE, Settings
from shared.http.app import create_app
from shared.http.server import serve
from shared.sql.scope import SQL_ERRORS

_PREFIX = "/api/v2"


def build(settings: Settings) -> FastAPI:
    app = create_app(
        service=SERVICE,
        title="Muster ota-service",
        description="Firmware, update sessions and releases.",
        settings=settings,
        lifespan=api_lifespan(settings),
        store_errors=SQL_ERRORS,
        body_limits={
            f"{_PREFIX}{firmware.router.prefix}": settings.max_firmware_bytes,
            f"{_PREFIX}{batches.router.prefix}": settings.max_batch_bytes,
        },
        refuse=ddi.refuse,
    )
    # The paths of batches before that of a session, which would take their first part for an id.
    for router in (
        fleet.router,
        bandwidth.router,
        firmware.router,
        batches.router,
        explanations.router,
        sessions.router,
        sessions_of_device.router,
        releases.router,
        releases.entities,
    ):
        app.include_router(router, prefix=_PREFIX)
    for router in (releases.router, releases.entities):
        app.include_router(router, prefix="/api", include_in_schema=False)
    controllers = ddi.application(ddi_of_device.router)
    controllers.state = app.state
    app.mount("/{tenant}/controller/v1", controllers)
    return app


if __name__ == "__main__":
    settings = Settings()
    serve(build(settings), service=SERVICE, settings=settings)
