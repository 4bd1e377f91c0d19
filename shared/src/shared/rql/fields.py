"""Which fields a query may ask about, and of which kind each is. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

from shared.rql.errors import BadQuery, listed
from shared.rql.syntax import And, Comparison, Condition, Field, In, Like, Literal, Not, Or, Query


class Kind(Enum):
    """The value says in an error what was expected."""

    TEXT = "text in quotes"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    TIME = 'a time like "2026-01-31T12:00:00Z"'
    """RFC 3339 as text; without an offset it is UTC."""
    TEXTS = "one text in quotes"
    """A list of text."""
    DOCUMENT = "anything"
    """A JSON object; the rest of the path leads into it, through objects alone."""


Fields = Mapping[str, Kind]


def check(query: Query, fields: Fields) -> None:
    """Raises BadQuery for a field that is not there, a path that leads nowhere, and a value its field never has."""
    match query:
        case And(operands) | Or(operands):
            for operand in operands:
                check(operand, fields)
        case Not(operand):
            check(operand, fields)
        case _:
            _check_condition(query, _kind(query.field, fields))


def as_time(literal: Literal) -> datetime:
    """Raises BadQuery."""
    try:
        moment = datetime.fromisoformat(str(literal.value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unfit(literal, Kind.TIME) from None


def _kind(field: Field, fields: Fields) -> Kind:
    kind = fields.get(field.path[0])
    if kind is None:
        names = sorted(fields)
        raise BadQuery(
            f"there is no field {field.path[0]}; there are {listed(names)}", position=field.position, expected=names
        )
    if len(field.path) > 1 and kind is not Kind.DOCUMENT:
        raise BadQuery(f"{field.path[0]} has nothing inside", position=field.position)
    return kind


def _check_condition(condition: Condition, kind: Kind) -> None:
    match condition:
        case Comparison(literal=literal):
            _check_literal(literal, kind)
        case In(literals=literals):
            for literal in literals:
                _check_literal(literal, kind)
        case Like(field) if kind not in {Kind.TEXT, Kind.TEXTS, Kind.DOCUMENT}:
            raise BadQuery(f"{field.path[0]} is no text, so it is like nothing", position=field.position)
        case _:
            pass


def _check_literal(literal: Literal, kind: Kind) -> None:
    if literal.value is None or kind is Kind.DOCUMENT:
        return
    if kind is Kind.TIME:
        as_time(literal)
    elif type(literal.value) is not {Kind.NUMBER: Decimal, Kind.BOOLEAN: bool}.get(kind, str):
        raise _unfit(literal, kind)


def _unfit(literal: Literal, kind: Kind) -> BadQuery:
    return BadQuery(f"expected {kind.value} or null", position=literal.position, expected=[kind.value, "null"])
