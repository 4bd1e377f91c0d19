"""Errors as problem documents (RFC 9457) with a stable `code`; nothing internal in any of them."""

import re
import sys
from http import HTTPStatus
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from shared.errors import DomainError

MEDIA_TYPE = "application/problem+json"

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large", 415: "unsupported_media_type"}

_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")


class InvalidJson(DomainError):
    """The body is not JSON."""

    status = 400
    code = "invalid_json"


class UnreadableBody(DomainError):
    """The body is beyond what is read of its media type: nested too deeply, or a form that is none."""

    status = 400
    code = "bad_request"


class UnsupportedMediaType(DomainError):
    """The body is of another media type than this route reads."""

    status = 415
    code = "unsupported_media_type"


class ValidationFailed(DomainError):
    """The request does not have the expected shape; `errors` names each place."""

    status = 422
    code = "validation_failed"


class WrongPlace(BaseModel):
    """One thing that is wrong with the shape of a request; its value is not repeated."""

    location: list[str]
    """From `body`, `query`, `path` or `header` down to the member."""

    message: str
    type: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). `code` is the word to match on; some codes add members of their own."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[WrongPlace] | None = None
    """Of `validation_failed` alone."""


def problem(
    status: int, code: str, detail: str, *, headers: dict[str, str] | None = None, **extra: Any
) -> JSONResponse:
    body = {"type": f"urn:muster:problem:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    return JSONResponse({**body, "detail": detail, **extra}, status, headers, MEDIA_TYPE)


class Refuse(Protocol):
    """How a request is refused before a route is looked for; a part of the paths may speak a dialect of its own."""

    def __call__(self, path: str, status: int, code: str, detail: str, headers: dict[str, str], /) -> Response: ...


def refuse(_path: str, status: int, code: str, detail: str, headers: dict[str, str]) -> Response:
    return problem(status, code, detail, headers=headers)


def install(app: FastAPI) -> None:
    app.add_exception_handler(DomainError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def _domain_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DomainError)  # noqa: S101 - registered for this class alone
    return problem(error.status, error.code, error.detail, headers=error.headers, **error.extra)


def _validation_error(request: Request, error: Exception) -> JSONResponse:
    """A body that is not JSON is 400; one of the wrong shape is 422 and names each place, without echoing values."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    return _domain_error(request, _refusal(request, error))


def _refusal(request: Request, error: RequestValidationError) -> DomainError:
    entries: list[dict[str, Any]] = list(error.errors())
    for entry in entries:
        if entry["type"] == "json_invalid":
            position, reason = entry["loc"][1], entry["ctx"]["error"]
            return InvalidJson(f"the body is not JSON: {reason} (at position {position})", position=position)
    if isinstance(error.body, bytes):
        return UnsupportedMediaType("send the body as application/json")
    if isinstance(error.body, FormData) and "form" not in request.headers.get("content-type", "form"):
        return UnsupportedMediaType("send the body as application/x-www-form-urlencoded")
    places = [
        {"location": [str(part) for part in entry["loc"]], "message": _message(entry["msg"]), "type": entry["type"]}
        for entry in entries[:50]
    ]
    return ValidationFailed("the request does not have the expected shape", errors=places)


def _message(said: str) -> str:
    """With the values of enumerations as clients write them: `'threshold'` for `<Kind.THRESHOLD: 'threshold'>`."""
    return _MEMBER.sub(r"\1", said)


def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    unread = _unread(error.__cause__)
    if unread is not None:
        return _domain_error(request, unread)
    code = _CODES.get(error.status_code, HTTPStatus(error.status_code).name.lower())
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = _allowed(request) or headers.get("Allow", "")
    return problem(error.status_code, code, str(error.detail), headers=headers)


def _unread(cause: BaseException | None) -> DomainError | None:
    """Why a body of JSON could not be read, beside its grammar, where that is what the framework met."""
    match cause:
        case UnicodeDecodeError():
            return InvalidJson(f"the body is not text in UTF-8 (at position {cause.start})", position=cause.start)
        case RecursionError():
            return UnreadableBody("the body is nested too deeply")
        case ValueError():
            return UnreadableBody(f"a whole number in the body has over {sys.get_int_max_str_digits()} digits")
        case _:
            return None


def _allowed(request: Request) -> str:
    """All methods of the path. Each is a route of its own, of which the framework names one."""
    routes = [route for route in iter_route_contexts(request.app.routes) if hasattr(route, "path_regex")]
    path = next((route.path for route in routes if route.path_regex.match(request.scope["path"])), None)
    return ", ".join(sorted({method for route in routes if route.path == path for method in route.methods or ()}))
