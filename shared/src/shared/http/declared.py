"""What a route, a dependency of it or a parameter says of itself for the OpenAPI document.

    GroupId = Annotated[int, Path(ge=1), raises(GroupNotFound)]

    @router.patch("/{group_id}")
    @raises(GroupNameTaken)
    async def change(group_id: GroupId, ...

Status and code come from the class of the error, so nothing is written down twice. `shared.http.openapi` collects it.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, get_args, get_type_hints

F = TypeVar("F", bound=Callable[..., Any])

_RAISES = "declared_errors"
_SECURITY = "declared_security"


class Refusal(Protocol):
    """An error that becomes a problem document: `shared.errors.DomainError`, or FastAPI's own with the same words."""

    status: Any
    code: Any


@dataclass(frozen=True)
class Raises:
    errors: tuple[type[Refusal], ...]

    def __call__(self, function: F) -> F:
        setattr(function, _RAISES, self.errors)
        return function


def raises(*errors: type[Refusal]) -> Raises:
    """Declares that a request may end in these: decorates a function, or stands in a parameter's `Annotated`."""
    return Raises(errors)


def secured(schemes: Mapping[str, list[str]]) -> Callable[[F], F]:
    """Declares that a dependency asks for a token: any of these kinds, each with the scopes it must hold."""

    def declare(function: F) -> F:
        setattr(function, _SECURITY, [{name: scopes} for name, scopes in schemes.items()])
        return function

    return declare


def errors_of(function: Callable[..., Any]) -> Iterator[type[Refusal]]:
    """What a function and its parameters declare."""
    yield from getattr(function, _RAISES, ())
    if inspect.isfunction(function):
        for hint in get_type_hints(function, include_extras=True).values():
            yield from _errors_in(hint)


def security_of(function: Callable[..., Any]) -> list[dict[str, list[str]]] | None:
    return getattr(function, _SECURITY, None)


def _errors_in(hint: Any) -> Iterator[type[Refusal]]:
    for part in (*get_args(hint), *getattr(hint, "__metadata__", ())):
        if isinstance(part, Raises):
            yield from part.errors
        else:
            yield from _errors_in(part)
