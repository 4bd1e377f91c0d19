"""Holds applications to their OpenAPI documents: every answer that any test gets must stand in them."""

import json
import re
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from unittest.mock import patch

from fastapi import params
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from shared.errors import DomainError
from shared.http.openapi import DocumentedApp, StoreErrors, operation_id
from shared.http.problem import MEDIA_TYPE

_TOLD = ("ETag", "Link", "Retry-After")
"""Headers of an answer that its description must name."""

_COERCED = ("bool", "int", "float")
"""Kinds of pydantic's that take other kinds of values too, unless they are strict."""

_OPTIONAL = frozenset({"Link"})
_READABLE = re.compile(r"[a-z]+(_[a-z]+)+")

Operation = Mapping[str, Any]
Endpoint = Callable[..., Any]

_known: dict[tuple[str, StoreErrors, Endpoint], Mapping[str, Operation]] = {}


@contextmanager
def watched() -> Generator[list[str]]:
    """Gives a list, to which every undocumented answer of every application is added while the block runs."""
    found: list[str] = []
    serve = DocumentedApp.__call__

    async def call(app: DocumentedApp, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await serve(app, scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await serve(app, scope, receive, answer.send)
        finally:
            found.extend(_undocumented(app, scope, answer))

    with patch.object(DocumentedApp, "__call__", call):
        yield found


class _Answer:
    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0
        self.headers = Headers()
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = Headers(raw=message["headers"])
        elif self.headers.get("content-type") == MEDIA_TYPE:
            self.body += message.get("body", b"")
        await self._send(message)


def _undocumented(app: DocumentedApp, scope: Scope, answer: _Answer) -> Iterator[str]:
    route = scope.get("route")
    if not isinstance(route, APIRoute) or answer.status in {0, 405, 500}:
        return
    operation = _operations_beside(route, app).get(operation_id(route))
    if operation is None or scope["method"] == "HEAD":
        return
    said = f"{scope['method']} {scope['path']} answered {answer.status}"
    response = operation["responses"].get(str(answer.status))
    if response is None:
        yield f"{said} {answer.body.decode()}, and {operation['operationId']} does not document that status"
        return
    if answer.body:
        code, codes = json.loads(answer.body)["code"], codes_of(response)
        if code not in codes:
            yield f"{said} {code}, and {operation['operationId']} raises {codes}: see shared.http.declared"
    documented = set(response.get("headers", ()))
    present = {name for name in {*documented, *_TOLD} if name in answer.headers}
    yield from (f"{said} without the documented {name}" for name in documented - present - _OPTIONAL)
    yield from (f"{said} with {name}, which is not documented" for name in present - documented)


def _operations_beside(route: APIRoute, app: DocumentedApp) -> Mapping[str, Operation]:
    """The operations of the application that `route` belongs to.

    Every test has an application of its own; those that were put together from the same routes have one document, which
    takes a second to make.
    """
    kind = (app.title, app.store_errors)
    if (*kind, route.endpoint) not in _known:
        found = operations(app.openapi())
        _known.update({(*kind, one): found for one in _endpoints(app)})
    return _known.get((*kind, route.endpoint), {})


def _endpoints(app: DocumentedApp) -> Iterator[Endpoint]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            yield route.original_route.endpoint


def operations(document: Mapping[str, Any]) -> dict[str, Operation]:
    """The operations of a document by their ids."""
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def codes_of(response: Mapping[str, Any]) -> list[str]:
    """The codes of a problem response; none for another."""
    schema = response.get("content", {}).get(MEDIA_TYPE, {}).get("schema", {})
    return [
        code for part in schema.get("allOf", ()) for code in part.get("properties", {}).get("code", {}).get("enum", ())
    ]


def flaws(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a document as such."""
    known = operations(document)
    found = [f"{name} is no readable id" for name in known if not _READABLE.fullmatch(name)]
    if len(known) < sum(len(path) for path in document["paths"].values()):
        found.append("an id names several operations")
    if "HTTPValidationError" in json.dumps(document):
        found.append("there is a validation error that is no problem document")
    for name, operation in known.items():
        responses = operation["responses"]
        found += [
            f"{name}: {status} is no problem"
            for status in responses
            if status >= "4" and not codes_of(responses[status])
        ]
        if "security" in operation and not {"401", "403"} <= responses.keys():
            found.append(f"{name} asks for a token and refuses none")
        if "requestBody" in operation and not {"413", "422"} <= responses.keys():
            found.append(f"{name} takes any body")
    return found


def unheard(app: DocumentedApp) -> set[str]:
    """The names of the errors that no operation documents, of the slices that have operations."""
    routes = [route for route in iter_route_contexts(app.routes) if isinstance(route.original_route, APIRoute)]
    slices = {
        str(getattr(route.endpoint, "__module__", "")).rpartition(".")[0] for route in routes if route.include_in_schema
    }
    responses = [response for known in operations(app.openapi()).values() for response in known["responses"].values()]
    told = {code for response in responses for code in codes_of(response)}
    errors = [error for error in _subclasses(DomainError) if error.__module__.rpartition(".")[0] in slices]
    return {error.__name__ for error in errors if error.code not in told}


def lax(app: DocumentedApp) -> list[str]:
    """The operations with a JSON body in which the text "yes" would pass for a boolean, or `true` for a number."""
    found: list[str] = []
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            bodies = [one.field_info for one in route.original_route.dependant.body_params]
            taken = [body.annotation for body in bodies if not isinstance(body, params.Form)]
            if any(_is_lax(TypeAdapter[Any](body).core_schema) for body in taken if body):
                found.append(operation_id(route.original_route))
    return found


def _is_lax(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        schema = cast("Mapping[str, Any]", schema)
        if schema.get("type") in _COERCED:
            return not schema.get("strict")
        return any(_is_lax(part) for name, part in schema.items() if name not in {"cls", "serialization"})
    if isinstance(schema, list | tuple):
        return any(map(_is_lax, cast("Sequence[Any]", schema)))
    return False


def _subclasses(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    for derived in kind.__subclasses__():
        yield derived
        yield from _subclasses(derived)
