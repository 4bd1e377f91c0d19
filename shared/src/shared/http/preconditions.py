"""`ETag` and `If-Match` on what can be edited (RFC 9110, section 13): the tag is the aggregate's version.

A service takes `expected: Expected` and calls `require` with the version it read under its lock, or puts the version
into its compare-and-set and raises Stale when no row matched.
"""

import re
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Header, Response

from shared.errors import DomainError
from shared.http.declared import raises

_TAGS = re.compile(r'\s*(?:W/)?"[^"]*"\s*(?:,\s*(?:W/)?"[^"]*"\s*)*')
_STRONG = re.compile(r'(W/)?"([^"]*)"')


class Stale(DomainError):
    """Somebody else changed it since the caller read it."""

    status = 412
    code = "stale"

    def __init__(self, version: int) -> None:
        super().__init__("it has changed since you read it; read it again", version=version)


class BadPrecondition(DomainError):
    """If-Match holds something else than entity tags."""

    status = 400
    code = "bad_precondition"

    def __init__(self) -> None:
        super().__init__('If-Match holds entity tags, e.g. "7", or *')


class Expected:
    """The versions a change may meet; without `If-Match` any."""

    def __init__(self, versions: frozenset[str] | None = None) -> None:
        self._versions = versions

    def require(self, version: int) -> None:
        """Raises Stale unless this version may be changed."""
        if self._versions is not None and str(version) not in self._versions:
            raise Stale(version)


@raises(BadPrecondition, Stale)
async def _expected(if_match: Annotated[str | None, Header(alias="If-Match", max_length=512)] = None) -> Expected:
    """Weak tags match nothing here: RFC 9110, section 13.1.1, asks for the strong comparison."""
    if if_match is None or if_match.strip() == "*":
        return Expected()
    if not _TAGS.fullmatch(if_match):
        raise BadPrecondition
    return Expected(frozenset(tag for weak, tag in _STRONG.findall(if_match) if not weak))


IfMatch = Annotated[Expected, Depends(_expected)]


TAGGED: dict[str, Any] = {
    "headers": {"ETag": {"description": "The version, for If-Match", "schema": {"type": "string"}}}
}
"""An answer with an entity tag, for the OpenAPI document. Routes with `IfMatch` and their reads have it anyway."""


def etag(version: int) -> str:
    return f'"{version}"'


class _Versioned(Protocol):
    @property
    def version(self) -> int: ...


V = TypeVar("V", bound=_Versioned)


def tagged(response: Response, answer: V) -> V:
    """The same answer, whose version is its entity tag."""
    response.headers["ETag"] = etag(answer.version)
    return answer
