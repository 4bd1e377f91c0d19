"""A query as a condition of SQLAlchemy on PostgreSQL. Values are always bound, names come from the declared columns.

The condition is null where the query does not hold for want of a value, so `not` takes null for false first. What each
operator means is in `predicate`.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Numeric,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from shared.rql.errors import QueryTooSlow
from shared.rql.fields import Kind, as_time, check
from shared.rql.predicate import ORDER
from shared.rql.syntax import (
    And,
    Comparison,
    Condition,
    Empty,
    Exists,
    In,
    Like,
    Literal,
    Not,
    Operator,
    Or,
    Query,
    Value,
)
from shared.sql.time_limit import time_limit

SEARCH_SECONDS: Final = 2.0

Bool = ColumnElement[bool]
Test = Callable[[ColumnElement[Any]], Bool]
"""A condition on one value, of which a list may hold several."""


@dataclass(frozen=True)
class Column:
    """Where a field is found: text, numeric or integer, boolean, timestamptz, text[] or jsonb, by its kind."""

    kind: Kind
    expression: ColumnElement[Any]


def compile_query(query: Query, columns: Mapping[str, Column]) -> Bool:
    """Raises BadQuery as `fields.check` does."""
    check(query, {name: column.kind for name, column in columns.items()})
    return _compiled(query, columns)


def searching(session: AsyncSession) -> AbstractAsyncContextManager[None]:
    """Around the statements with a condition that came from outside. Raises QueryTooSlow after 2 s of one of them."""
    return time_limit(session, SEARCH_SECONDS, otherwise=QueryTooSlow())


def _compiled(query: Query, columns: Mapping[str, Column]) -> Bool:
    match query:
        case And(operands):
            return and_(true(), *(_compiled(operand, columns) for operand in operands))
        case Or(operands):
            return or_(false(), *(_compiled(operand, columns) for operand in operands))
        case Not(operand):
            return _negated(_compiled(operand, columns))
        case _:
            name, *path = query.field.path
            return _condition(query, _VALUES[columns[name].kind](columns[name].expression, tuple(path)))


def _negated(condition: Bool) -> Bool:
    return not_(func.coalesce(condition, false()))


def _condition(condition: Condition, value: "_Scalar") -> Bool:  # noqa: PLR0911 - one for each operator
    match condition:
        case Comparison(Operator.EQ, literal=wanted):
            return value.equals(wanted)
        case Comparison(Operator.NE, literal=wanted):
            return and_(value.exists(), _negated(value.equals(wanted)))
        case Comparison(order, literal=wanted):
            return value.ordered(order, wanted)
        case In(literals=literals):
            return or_(false(), *(value.equals(wanted) for wanted in literals))
        case Like(pattern=pattern, ignore_case=ignore_case):
            return value.like(_like_pattern(pattern), ignore_case=ignore_case)
        case Exists():
            return value.exists()
        case Empty():
            return value.empty()


@dataclass(frozen=True)
class _Scalar:
    """A column with one value, or null."""

    column: ColumnElement[Any]
    path: tuple[str, ...] = ()

    def exists(self) -> Bool:
        return self.column.is_not(null())

    def empty(self) -> Bool:
        return self.column.is_(null())

    def equals(self, wanted: Literal) -> Bool:
        return self.column.is_(null()) if wanted.value is None else self.column == self.operand(wanted)

    def ordered(self, order: Operator, wanted: Literal) -> Bool:
        return ORDER[order](self.column, self.operand(wanted))

    def like(self, pattern: str, *, ignore_case: bool) -> Bool:
        return _like(self.column, pattern, ignore_case=ignore_case)

    def operand(self, wanted: Literal) -> Any:
        return wanted.value


class _Text(_Scalar):
    def empty(self) -> Bool:
        return or_(self.column.is_(null()), self.column == "")

    def ordered(self, order: Operator, wanted: Literal) -> Bool:
        return _by_code_points(order, self.column, wanted)


class _Number(_Scalar):
    """Compared as `numeric`: a whole number beyond bigint, or one with a fraction, is asked about without an error."""

    def operand(self, wanted: Literal) -> Any:
        return literal(wanted.value, Numeric)


class _Time(_Scalar):
    def operand(self, wanted: Literal) -> Any:
        return as_time(wanted)


class _Texts(_Scalar):
    """A list of text. Equality is asked as containment in the column's own type, which a gin index answers.

    Without that type's length, to which a longer text would be cut, and then be found.
    """

    def empty(self) -> Bool:
        return or_(self.column.is_(null()), func.cardinality(self.column) == 0)

    def equals(self, wanted: Literal) -> Bool:
        return self.column.is_(null()) if wanted.value is None else self._contains(wanted.value)

    def ordered(self, order: Operator, wanted: Literal) -> Bool:
        return self._any(lambda text: _by_code_points(order, text, wanted))

    def like(self, pattern: str, *, ignore_case: bool) -> Bool:
        return self._any(lambda text: _like(text, pattern, ignore_case=ignore_case))

    def _contains(self, wanted: Value) -> Bool:
        of_its_kind = ARRAY(type(self.column[0].type))
        return self.column.op("@>", is_comparison=True)(cast([wanted], of_its_kind))

    def _any(self, test: Test) -> Bool:
        element = func.unnest(self.column, type_=Text).column_valued("element")
        return exists(select(1).where(test(element)))


class _Document(_Scalar):
    """A value inside a JSON object. Equality is asked as containment, which a gin index of jsonb_path_ops answers."""

    def exists(self) -> Bool:
        return self._value().is_not(null())

    def empty(self) -> Bool:
        value = self._value()
        return or_(value.is_(null()), cast(value, Text).in_(["null", '""', "[]", "{}"]))

    def equals(self, wanted: Literal) -> Bool:
        text = _json(wanted.value)
        found = or_(self._contains(text), self._contains(f"[{text}]")) if self.path else false()
        return or_(self._value().is_(null()), found) if wanted.value is None else found

    def ordered(self, order: Operator, wanted: Literal) -> Bool:
        if isinstance(wanted.value, str):
            return self._any("string", lambda value: _by_code_points(order, _text_of(value), wanted))
        number = cast(literal(_json(wanted.value), Text), JSONB)
        return self._any("number", lambda value: ORDER[order](value, number))

    def like(self, pattern: str, *, ignore_case: bool) -> Bool:
        return self._any("string", lambda value: _like(_text_of(value), pattern, ignore_case=ignore_case))

    def _value(self) -> ColumnElement[Any]:
        value = self.column
        for part in self.path:
            value = value.op("->", return_type=JSONB())(literal(part, Text))
        return value

    def _contains(self, text: str) -> Bool:
        for part in reversed(self.path):
            text = f"{{{json.dumps(part)}:{text}}}"
        return self.column.contains(cast(literal(text, Text), JSONB))

    def _any(self, json_type: str, test: Test) -> Bool:
        def holds(value: ColumnElement[Any]) -> Bool:
            return and_(func.jsonb_typeof(value) == json_type, test(value))

        value = self._value()
        element = func.jsonb_array_elements(value, type_=JSONB).column_valued("element")
        in_list = exists(select(1).where(holds(element)))
        return case({json_type: test(value), "array": in_list}, value=func.jsonb_typeof(value), else_=false())


_VALUES: Final[Mapping[Kind, type[_Scalar]]] = {
    Kind.TEXT: _Text,
    Kind.NUMBER: _Number,
    Kind.BOOLEAN: _Scalar,
    Kind.TIME: _Time,
    Kind.TEXTS: _Texts,
    Kind.DOCUMENT: _Document,
}


def _by_code_points(order: Operator, text: ColumnElement[Any], wanted: Literal) -> Bool:
    return ORDER[order](text.collate("C"), wanted.value)


def _text_of(value: ColumnElement[Any]) -> ColumnElement[str]:
    """The text in a JSON value; anything else as JSON, without an error."""
    return value.op("#>>", return_type=Text())(cast(literal("{}", Text), ARRAY(Text)))


def _like(text: ColumnElement[Any], pattern: str, *, ignore_case: bool) -> Bool:
    return text.ilike(pattern, escape="\\") if ignore_case else text.like(pattern, escape="\\")


def _like_pattern(pattern: str) -> str:
    escaped = pattern.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return escaped.replace("*", "%").replace("?", "_")


def _json(value: Value) -> str:
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value)
