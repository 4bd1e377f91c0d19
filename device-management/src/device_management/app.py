"""device-management's api: every router, by name."""

from fastapi import FastAPI

from device_management.actions import api as actions
from device_management.audit import api as audit
from device_management.auth import api as auth
from device_management.bootstrap_api import api_lifespan
from device_management.broker_access import api as broker_access
from device_management.configuration import api as configuration
from device_management.device_tokens import api as device_tokens
from device_management.devices import api as devices
from device_management.groups import api as groups
from device_management.imports import api as imports
from device_management.keys import api as keys
from device_management.mass_configuration import api as mass_configuration
from device_management.organizations import api as organizations
from device_management.registration import api as registration
from device_management.resync import api as resync
from device_management.roles import api as roles
from device_management.settings import SERVICE, Settings
from device_management.sites import api as sites
from device_management.users import api as users
from device_management.webhooks import api as webhooks
from shared.http.app import create_app
from shared.http.rate_limit import Rate
from shared.http.server import serve
from shared.sql.scope import SQL_ERRORS


def build(settings: Settings) -> FastAPI:
    sign_ins = Rate(settings.sign_ins_per_second)
    app = create_app(
        service=SERVICE,
        title="Muster device-management",
        description="Organizations, people and tokens, devices.",
        settings=settings,
        lifespan=api_lifespan(settings),
        store_errors=SQL_ERRORS,
        body_limits={
            "/api/v2/devices/batch": settings.max_batch_bytes,
            "/devices/batch": settings.max_batch_bytes,
            "/api/v2/imports": settings.max_import_bytes,
        },
        rates_by_path={"/api/v2/auth/login": sign_ins, "/api/auth/login": sign_ins},
        unlimited=(f"{broker_access.router.prefix}/",),
    )
    app.include_router(broker_access.router)  # Asked most; routes are tried in this order.
    for router in (
        auth.router,
        organizations.router,
        users.router,
        roles.router,
        keys.router,
        audit.router,
        actions.bulk_router,
        actions.router,
        actions.device_router,
        resync.router,
        groups.search_router,
        imports.export_router,
        registration.router,
        devices.router,
        device_tokens.router,
        groups.router,
        imports.router,
        sites.router,
        configuration.router,
        mass_configuration.router,
        webhooks.router,
    ):
        app.include_router(router, prefix="/api/v2")
    app.include_router(auth.router, prefix="/api", include_in_schema=False)
    app.include_router(mass_configuration.workflows, prefix="/api")
    app.include_router(registration.router, include_in_schema=False)
    app.include_router(devices.router, include_in_schema=False)
    return app


if __name__ == "__main__":
    settings = Settings()
    serve(build(settings), service=SERVICE, settings=settings)
