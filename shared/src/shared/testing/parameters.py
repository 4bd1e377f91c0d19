"""Every route of an application refuses a query parameter that its document does not name."""

import re

import httpx
from fastapi.routing import APIRoute, iter_route_contexts

from shared.http.health import PATHS
from shared.http.openapi import DocumentedApp, operation_id
from shared.testing.documented import operations

_NOBODYS = "unheard_of"


async def swallowed(client: httpx.AsyncClient, app: DocumentedApp) -> list[str]:
    """Asks every route, of second mounts too, with one parameter too many, and tells which did not refuse it so."""
    documented = operations(app.openapi())
    faults: list[str] = []
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute) or route.path in PATHS:
            continue
        described = documented[operation_id(route.original_route)].get("parameters", ())
        known = sorted(one["name"] for one in described if one["in"] == "query")
        url = re.sub(r"{\w+}", "1", str(route.path))
        for method in (route.methods or set()) - {"HEAD"}:
            answer = await client.request(method, f"{url}?{_NOBODYS}=1")
            told = answer.json()
            if (answer.status_code, told["code"], told.get("known")) != (422, "unknown_parameter", known):
                faults.append(f"{method} {route.path}: {answer.status_code} {answer.text}, and it has {known}")
    return faults
