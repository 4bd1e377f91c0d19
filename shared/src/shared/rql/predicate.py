"""A query asked of one document in Python. Pure; `sql` gives the same answers, and both are tested against each other.

- A field that the document does not have is absent, and so is one of the first level that is null.
- `eq` to null: absent or null. `ne`: there, and not `eq`. `exists`: there, null included (further in).
- `empty`: absent, null, "", [] or {}.
- Values are never converted: of two kinds, neither is equal, less or greater. Numbers are compared exactly, text by its
  code points.
- A list matches when one of its elements does.
- `ilike` lower-cases each letter by itself, as the database does in a UTF-8 locale.
"""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from shared.rql.fields import as_time
from shared.rql.syntax import (
    And,
    Comparison,
    Condition,
    Empty,
    Exists,
    Field,
    In,
    Like,
    Literal,
    Not,
    Operator,
    Or,
    Query,
)

_ABSENT: Final = object()

ORDER: Final[Mapping[Operator, Callable[[Any, Any], Any]]] = {
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def matches(query: Query, document: Mapping[str, Any]) -> bool:
    """Whether the document (of JSON values, and datetimes at the first level) is one of those asked for.

    `fields.check` comes first: here an unknown field is merely absent.
    """
    match query:
        case And(operands):
            return all(matches(operand, document) for operand in operands)
        case Or(operands):
            return any(matches(operand, document) for operand in operands)
        case Not(operand):
            return not matches(operand, document)
        case _:
            return _holds(query, _value(query.field, document))


def _holds(condition: Condition, value: Any) -> bool:  # noqa: PLR0911 - one for each operator
    match condition:
        case Comparison(Operator.EQ, literal=literal):
            return _equals(value, literal)
        case Comparison(Operator.NE, literal=literal):
            return value is not _ABSENT and not _equals(value, literal)
        case Comparison(order, literal=literal):
            return any(ORDER[order](left, right) for left, right in _pairs(value, literal))
        case In(literals=literals):
            return any(_equals(value, literal) for literal in literals)
        case Like(pattern=pattern, ignore_case=ignore_case):
            texts = [element for element in _elements(value) if isinstance(element, str)]
            if ignore_case:
                pattern, texts = _folded(pattern), [_folded(text) for text in texts]
            wanted = _expression(pattern)
            return any(wanted.fullmatch(text) for text in texts)
        case Exists():
            return value is not _ABSENT
        case Empty():
            return value is _ABSENT or value in (None, "", [], {})


def _value(field: Field, document: Mapping[str, Any]) -> Any:
    value: Any = document.get(field.path[0])
    if value is None:
        return _ABSENT
    for part in field.path[1:]:
        value = cast("dict[str, Any]", value).get(part, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _elements(value: Any) -> Sequence[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _equals(value: Any, literal: Literal) -> bool:
    if literal.value is None and value is _ABSENT:
        return True
    return any(left == right for left, right in _pairs(value, literal))


def _pairs(value: Any, literal: Literal) -> list[tuple[Any, Any]]:
    """Each element with the literal, as two values of one kind; those of another kind are left out."""
    pairs = [_pair(element, literal) for element in _elements(value)]
    return [pair for pair in pairs if pair is not None]


def _pair(element: Any, literal: Literal) -> tuple[Any, Any] | None:
    wanted = literal.value
    if isinstance(wanted, Decimal):
        if isinstance(element, bool) or not isinstance(element, int | float | Decimal):
            return None
        return Decimal(str(element)) if isinstance(element, float) else Decimal(element), wanted
    if isinstance(element, datetime) and isinstance(wanted, str):
        return element, as_time(literal)
    return (element, wanted) if type(element) is type(wanted) else None


def _expression(pattern: str) -> re.Pattern[str]:
    """Each part between two asterisks is taken where it first fits, for good, so that matching never backtracks far."""
    first, *others = [re.escape(part).replace(r"\?", ".") for part in pattern.split("*")]
    middle = "".join(f"(?>.*?{part})" for part in others[:-1])
    return re.compile(first + middle + "".join(f".*{part}" for part in others[-1:]), re.DOTALL)


def _folded(text: str) -> str:
    return "".join(lower if len(lower := letter.lower()) == 1 else letter for letter in text)
