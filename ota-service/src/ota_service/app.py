"""ota-service's api: every router, by name."""

from fastapi import FastAPI

from ota_service.bootstrap import api_lifespan
from ota_service.fleet import api as fleet
from ota_service.settings import SERVICE, Settings
from shared.http.app import create_app
from shared.http.server import serve


def build(settings: Settings) -> FastAPI:
    app = create_app(
        service=SERVICE,
        title="Muster ota-service",
        description="Firmware, update sessions and releases; so far, the copy of the fleet they will stand on.",
        settings=settings,
        lifespan=api_lifespan(settings),
    )
    app.include_router(fleet.router, prefix="/api/v2")
    return app


if __name__ == "__main__":
    settings = Settings()
    serve(build(settings), service=SERVICE, settings=settings)
