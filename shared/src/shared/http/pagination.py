"""Keyset pages: `?limit=&cursor=`, `next` in the body and a `Link` header (RFC 8288).

A cursor is opaque to the client and holds the sort key of the last item, so a page never skips or repeats an item
because others were added or removed.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar, cast, overload
from uuid import UUID

from fastapi import Query, Request, Response
from pydantic import BaseModel

from shared.errors import DomainError
from shared.http.declared import raises

MAX_LIMIT = 500

T = TypeVar("T")
R = TypeVar("R")
A = TypeVar("A")
B = TypeVar("B")


class BadCursor(DomainError):
    """Not a cursor that this list has handed out."""

    status = 400
    code = "bad_cursor"

    def __init__(self) -> None:
        super().__init__("the cursor is not one of this list; start again without it")


Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many items at the most")]
Cursor = Annotated[str | None, Query(max_length=512, description="`next` of the page before"), raises(BadCursor)]


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = None


_AS_TEXT: Mapping[type, Callable[[str], Any]] = {
    datetime: lambda text: datetime.fromisoformat(text).astimezone(UTC),
    UUID: UUID,
}
"""What of a key is text in a cursor, and how it is read."""


def encode_cursor(*key: Any) -> str:
    """The key's parts are numbers, texts, moments and UUIDs."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    text = json.dumps([str(part) if isinstance(part, UUID) else part for part in parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@overload
def decode_cursor(cursor: str, kind: type[A], /) -> tuple[A]: ...
@overload
def decode_cursor(cursor: str, first: type[A], second: type[B], /) -> tuple[A, B]: ...
def decode_cursor(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """The sort key in a cursor, checked against `kinds`; moments are in UTC. Raises BadCursor."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        raise BadCursor from None
    if not isinstance(key, list):
        raise BadCursor
    parts = cast("list[Any]", key)
    plain = [str if kind in _AS_TEXT else kind for kind in kinds]
    if len(parts) != len(kinds) or any(type(part) is not kind for part, kind in zip(parts, plain, strict=True)):
        raise BadCursor
    if any(isinstance(part, int) and not -(2**63) <= part < 2**63 for part in parts):
        raise BadCursor
    if any(isinstance(part, str) and not _is_text(part) for part in parts):
        raise BadCursor
    try:
        return tuple(
            _AS_TEXT[kind](part) if kind in _AS_TEXT else part for part, kind in zip(parts, kinds, strict=True)
        )
    except (ValueError, OverflowError):
        raise BadCursor from None


def _is_text(text: str) -> bool:
    """Without NUL, which PostgreSQL does not take, and half a surrogate pair, which is no UTF-8."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def page_of(rows: Sequence[R], limit: int, key: Callable[[R], tuple[Any, ...]]) -> tuple[Sequence[R], str | None]:
    """Cuts `limit + 1` rows to a page: the extra row only says that there is a next one."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, encode_cursor(*key(kept[-1]))


def link_next(request: Request, response: Response, cursor: str | None) -> None:
    """Adds the `Link` header for the next page, if there is one."""
    if cursor is not None:
        url = request.url.include_query_params(cursor=cursor)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
