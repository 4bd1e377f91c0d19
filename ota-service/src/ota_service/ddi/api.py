"""The dialect: an application of its own inside ota-service's, because its errors look different.

Mounted, it shares the state of the application around it.
"""

import re

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.errors import DomainError
from shared.http import problem

_PATHS = re.compile(r"/[^/]+/controller/v1(/|$)")
_log = structlog.get_logger(__name__)


def application(*routers: APIRouter) -> FastAPI:
    """The protocol's routes below `/{tenant}/controller/v1`."""
    app = FastAPI(title="Direct Device Integration", openapi_url=None, redirect_slashes=False)
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected)
    for router in routers:
        app.include_router(router)
    return app


def refuse(path: str, status: int, code: str, detail: str, headers: dict[str, str]) -> Response:
    """As `shared.http.problem.Refuse`: clients of this protocol are refused in their dialect."""
    if _PATHS.match(path):
        return _error(status, "Refused", code, detail, headers)
    return problem.refuse(path, status, code, detail, headers)


def _domain_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class alone
    if error.status in {401, 403}:
        challenge = {"WWW-Authenticate": "TargetToken, GatewayToken"}
        return Response(status_code=401, headers=challenge)
    return _error(error.status, type(error).__name__, error.code, error.detail, error.headers)


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "bad_request")
    return _error(error.status_code, type(error).__name__, code, str(error.detail), dict(error.headers or {}))


def _unexpected(request: Request, error: Exception) -> Response:
    _log.error("unexpected error", path=request.url.path, exc_info=error)
    return _error(500, "InternalError", "internal_error", "something went wrong on our side", {})


def _error(status: int, kind: str, code: str, message: str, headers: dict[str, str]) -> Response:
    body = {"exceptionClass": f"muster.{kind}", "errorCode": f"muster.{code}", "message": message}
    return JSONResponse(body, status, headers)
