"""How an api gets its service: by one dependency, without knowing how the service is made.

`bootstrap` sets `app.state.scopes`; entering it opens whatever a request needs (for SQL a unit of work), and all
services of one request come from one scope. The dependency's own scope is `function`: FastAPI would otherwise run the
exit after the response has left, and a client would see 201 for a commit that failed.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from fastapi import Depends, Request

T = TypeVar("T")


class Scope(Protocol):
    def get(self, kind: type[T]) -> T:
        """The service of this kind for this request. Raises KeyError for one that is not wired."""
        ...


Scopes = Callable[[], AbstractAsyncContextManager[Scope]]


async def request_scope(request: Request) -> AsyncIterator[Scope]:
    scopes: Scopes = request.app.state.scopes
    async with scopes() as scope:
        yield scope


def use(kind: type[Any]) -> Any:
    """A dependency on the service `kind`: `Annotated[DeviceService, use(DeviceService)]`."""

    async def resolve(scope: Scope = Depends(request_scope, scope="function")) -> Any:  # noqa: B008 - FastAPI's idiom
        return scope.get(kind)

    return Depends(resolve, scope="function")
