"""Queries and the documents they are asked of, drawn so that they often have something to do with each other."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from shared.rql.fields import Kind
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

FIELDS = {
    "name": Kind.TEXT,
    "version": Kind.NUMBER,
    "updates_enabled": Kind.BOOLEAN,
    "registered_at": Kind.TIME,
    "tags": Kind.TEXTS,
    "attributes": Kind.DOCUMENT,
}

_KEYS = st.sampled_from(["a", "b", "0", "a b", 'quo"te', "back\\slash", "~1", "a/b", "(,)"])
_TEXT = st.text('aAbä"\\%_*?\nЖж{}', max_size=4) | st.sampled_from(["null", "true", "1", "[]"])
_MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 3), timezones=st.just(UTC))  # noqa: DTZ001
_NUMBERS = st.sampled_from([0, 1, -1, 0.1, 1.0, 2**53, 2**53 + 1, 2**70, 1e300, -0.0, 1e-300]) | st.integers(-3, 3)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXT
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3), max_leaves=6
)

documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "name": st.none() | _TEXT,
        "version": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2),
        "updates_enabled": st.none() | st.booleans(),
        "registered_at": st.none() | _MOMENTS,
        "tags": st.lists(_TEXT, max_size=3),
        "attributes": st.dictionaries(_KEYS, _JSON, max_size=3),
    }
)

_numbers = _NUMBERS.map(lambda number: Decimal(str(number)))
_values = {
    Kind.TEXT: _TEXT,
    Kind.NUMBER: _numbers | st.decimals(-(10**30), 10**30, places=2),
    Kind.BOOLEAN: st.booleans(),
    Kind.TIME: _MOMENTS.map(datetime.isoformat),
    Kind.TEXTS: _TEXT,
    Kind.DOCUMENT: st.booleans() | _numbers | _TEXT,
}
_TEXTUAL = {Kind.TEXT, Kind.TEXTS, Kind.DOCUMENT}


@st.composite
def _conditions(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(sorted(FIELDS)))
    kind = FIELDS[name]
    field = Field((name, *(draw(st.lists(_KEYS, max_size=3)) if kind is Kind.DOCUMENT else [])))
    literals = (_values[kind] | st.none()).map(Literal)
    ordered = _values[kind].filter(lambda value: not isinstance(value, bool)).map(Literal)
    choices: list[st.SearchStrategy[Condition]] = [
        st.builds(Comparison, st.sampled_from([Operator.EQ, Operator.NE]), st.just(field), literals),
        st.builds(In, st.just(field), st.lists(literals, min_size=1, max_size=3).map(tuple)),
        st.just(Exists(field)),
        st.just(Empty(field)),
    ]
    if kind is not Kind.BOOLEAN:
        choices.append(st.builds(Comparison, st.sampled_from(list(Operator)[2:]), st.just(field), ordered))
    if kind in _TEXTUAL:
        choices.append(st.builds(Like, st.just(field), _TEXT, st.booleans()))
    return draw(st.one_of(choices))


def _combined(inner: st.SearchStrategy[Query]) -> st.SearchStrategy[Query]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.builds(And, several) | st.builds(Or, several) | st.builds(Not, inner)


queries: st.SearchStrategy[Query] = st.recursive(_conditions(), _combined, max_leaves=5)


def written(query: Query) -> str:  # noqa: PLR0911 - one for each operator
    """The query as text that parses to it."""
    match query:
        case Comparison(operator, field, literal):
            return f"{operator}({_path(field)},{_literal(literal)})"
        case In(field, literals):
            return f"in({','.join([_path(field), *map(_literal, literals)])})"
        case Like(field, pattern, ignore_case):
            return f"{'ilike' if ignore_case else 'like'}({_path(field)},{_literal(Literal(pattern))})"
        case Exists(field):
            return f"exists({_path(field)})"
        case Empty(field):
            return f"empty({_path(field)})"
        case And(operands):
            return f"and({','.join(map(written, operands))})"
        case Or(operands):
            return f"or({','.join(map(written, operands))})"
        case Not(operand):
            return f"not({written(operand)})"


def _path(field: Field) -> str:
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in field.path)
    return re.sub(r"""([,()"'\\])""", r"\\\1", pointer)


def _literal(literal: Literal) -> str:
    match literal.value:
        case None:
            return "null"
        case bool(value):
            return "true" if value else "false"
        case Decimal() as value:
            return format(value, "f")
        case str(value):
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
