"""Query parameters that a route does not have are refused: one that is left out for its name would widen the answer.

Whoever asks for `?device=pump-1` where it is called `device_uid` would be told of the whole fleet.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.dependencies.models import Dependant

from shared.errors import DomainError
from shared.http.declared import raises
from shared.http.health import PATHS

_ALIKE = 0.6
"""Of 1: `device` and `device_uid` are 0.75 alike."""

_REPEATED_CHARACTERS = 64
"""Of a name that a client has made up, in the refusal."""


class UnknownParameter(DomainError):
    """A query parameter has a name that this route does not know; `known` are those it does."""

    status = 422
    code = "unknown_parameter"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        name = name[:_REPEATED_CHARACTERS]
        alike = get_close_matches(name, known, n=1, cutoff=_ALIKE)
        there_is = f"there are {', '.join(known)}" if known else "this path takes none"
        hint = f"did you mean {alike[0]}?" if alike else there_is
        super().__init__(f"there is no query parameter {name!r} here; {hint}", parameter=name, known=list(known))


@raises(UnknownParameter)
async def only_known_parameters(request: Request) -> None:
    """A dependency of every route. Health has none: who asks for it adds what they like."""
    query: bytes = request.scope["query_string"]
    if not query or request.scope["path"] in PATHS:
        return
    known = names_of(request.scope["route"].dependant)
    for name, _value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            raise UnknownParameter(name, sorted(known))


def names_of(route: Dependant) -> frozenset[str]:
    """The query parameters of a route and of all it depends on, as clients write them."""
    return frozenset(field.alias for part in parts_of(route) for field in part.query_params)


def parts_of(dependant: Dependant) -> Iterator[Dependant]:
    """A route and all it depends on."""
    yield dependant
    for part in dependant.dependencies:
        yield from parts_of(part)
