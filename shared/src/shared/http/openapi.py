"""The OpenAPI document: what FastAPI reads from the routes, and every answer beside the one that was hoped for.

Which problems a route may answer follows from what it, its dependencies and its parameters declare
(`shared.http.declared`), and from whether it takes a body. So a route that uses `requires(...)`, `IfMatch` or a cursor
has documented the refusals of each.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from shared.http.declared import Refusal, errors_of, security_of
from shared.http.links import link
from shared.http.middleware import BodyTooLarge
from shared.http.pagination import BadCursor
from shared.http.parameters import parts_of
from shared.http.preconditions import TAGGED, Stale
from shared.http.principal import SECURITY_SCHEMES
from shared.http.problem import (
    MEDIA_TYPE,
    InvalidJson,
    Problem,
    UnreadableBody,
    UnsupportedMediaType,
    ValidationFailed,
)
from shared.http.rate_limit import TooManyRequests
from shared.http.scope import request_scope

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_LINK = {"Link": {"description": 'The next page, if there is one: rel="next"', "schema": {"type": "string"}}}
_RETRY = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
_HEADERS_OF = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}}},
    416: {"Content-Range": {"description": "The size of the file", "schema": {"type": "string"}}},
    429: _RETRY,
    503: _RETRY,
}
_SAFE = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class StoreErrors:
    """What any service of the application may raise because of where it keeps its things."""

    always: tuple[type[Refusal], ...] = ()
    """Whatever it is asked for: the store is away."""

    given: tuple[type[Refusal], ...] = ()
    """When it is given a value."""

    changing: tuple[type[Refusal], ...] = ()
    """When it changes something."""


class DocumentedApp(FastAPI):
    """FastAPI whose document knows problems."""

    def __init__(self, *, store_errors: StoreErrors, **options: Any) -> None:
        super().__init__(generate_unique_id_function=operation_id, **options)
        self.store_errors = store_errors

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            self._complete(document)
            self.openapi_schema = document
        return self.openapi_schema

    def _complete(self, document: dict[str, Any]) -> None:
        paths: dict[str, dict[str, Any]] = document["paths"]
        components = document.setdefault("components", {})
        schemas: dict[str, Any] = components.setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem.pop("$defs"), Problem=problem)
        components["securitySchemes"] = SECURITY_SCHEMES
        for route in _documented(self.routes):
            for method in route.methods or ():
                operation = paths[str(route.path_format)][method.lower()]
                _Operation(operation, method, route.dependant).complete(self.store_errors)
        for operations in paths.values():
            _tag_reads(operations)
        link(document)


class _Operation:
    """One operation of the document, and the route that it describes."""

    def __init__(self, operation: dict[str, Any], method: str, route: Dependant) -> None:
        self._operation = operation
        self._method = method
        self._calls = [part.call for part in parts_of(route) if part.call is not None]
        self._declared = [error for call in self._calls for error in errors_of(call)]

    def complete(self, store_errors: StoreErrors) -> None:
        responses: dict[str, Any] = self._operation["responses"]
        responses.pop("422", None)
        for status, errors in _by_status([*self._declared, *self._derived(store_errors)]):
            responses[str(status)] = _response(status, errors)
        self._operation["responses"] = dict(sorted(responses.items()))
        success = next(iter(self._operation["responses"].values()))
        if BadCursor in self._declared:
            success["headers"] = _LINK
        if Stale in self._declared and "content" in success:
            success.update(TAGGED)
        security = next(filter(None, map(security_of, self._calls)), None)
        if security is not None:
            self._operation["security"] = security

    def _derived(self, store_errors: StoreErrors) -> Iterator[type[Refusal]]:
        media_types: dict[str, Any] = self._operation.get("requestBody", {}).get("content", {})
        yield TooManyRequests
        if media_types:
            yield BodyTooLarge
        if "schema" in media_types.get(_JSON, {}):
            yield from (InvalidJson, UnreadableBody, UnsupportedMediaType)
        if _FORM in media_types:
            yield from (UnreadableBody, UnsupportedMediaType)
        is_given = bool(media_types) or "parameters" in self._operation
        if is_given:
            yield ValidationFailed
        if request_scope in self._calls:
            yield from store_errors.always
            yield from store_errors.given if is_given else ()
            yield from store_errors.changing if self._method not in _SAFE else ()


def _documented(routes: Sequence[Any]) -> Iterator[RouteContext]:
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            yield route


def _by_status(errors: Iterable[type[Refusal]]) -> list[tuple[int, dict[str, type[Refusal]]]]:
    """The errors by status and code; where several have one code, the first."""
    found: dict[int, dict[str, type[Refusal]]] = {}
    for error in errors:
        found.setdefault(error.status, {}).setdefault(error.code, error)
    return sorted(found.items())


def _response(status: int, errors: dict[str, type[Refusal]]) -> dict[str, Any]:
    told = [f"`{code}`: {_told(error)}" for code, error in errors.items()]
    of_these = {"properties": {"status": {"const": status}, "code": {"enum": list(errors)}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/Problem"}, of_these]}
    response: dict[str, Any] = {"description": "\n\n".join(told), "content": {MEDIA_TYPE: {"schema": schema}}}
    if status in _HEADERS_OF:
        response["headers"] = _HEADERS_OF[status]
    return response


def _told(error: type[Refusal]) -> str:
    """The class's own words: the first paragraph of its docstring."""
    said = inspect.cleandoc(error.__doc__ or HTTPStatus(error.status).phrase)
    return " ".join(said.partition("\n\n")[0].split())


def _tag_reads(operations: dict[str, Any]) -> None:
    """What is edited with If-Match is read with an ETag."""
    edits = [operations[method] for method in ("put", "patch", "delete") if method in operations]
    if "get" in operations and any("412" in operation["responses"] for operation in edits):
        operations["get"]["responses"]["200"].update(TAGGED)


def operation_id(route: APIRoute) -> str:
    """The slice and the function, e.g. `groups_add_members`: both are unique words."""
    *_, concept, _layer = route.endpoint.__module__.split(".")
    return f"{concept}_{route.name}"
