"""What can be wrong with a query."""

from collections.abc import Sequence

from shared.errors import DomainError


class BadQuery(DomainError):
    """Not RQL, or about something that cannot be asked. `position` counts characters from 0."""

    status = 400
    code = "bad_query"

    def __init__(self, detail: str, *, position: int, expected: list[str] | None = None) -> None:
        super().__init__(f"{detail} (at position {position})", position=position, expected=expected or [])
        self.position = position


class QueryTooSlow(DomainError):
    """The database could not answer within the time a search may take."""

    status = 422
    code = "query_too_slow"

    def __init__(self) -> None:
        super().__init__("the query takes too long; narrow it, best by an equality on a field or an attribute")


def listed(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
