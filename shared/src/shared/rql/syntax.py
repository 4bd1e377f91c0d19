"""The tree of a query. Positions count characters from 0 and take no part in comparison."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = str | Decimal | bool | None


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Field:
    """`attributes/site/floor` is ("attributes", "site", "floor"); `~1` and `~0` stand for / and ~ (RFC 6901).

    A comma, bracket, quotation mark or backslash in it is written with a backslash before it.
    """

    path: tuple[str, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    value: Value
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    operator: Operator
    field: Field
    literal: Literal


@dataclass(frozen=True, slots=True)
class In:
    field: Field
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """`*` in the pattern stands for any characters, `?` for one; neither can be escaped."""

    field: Field
    pattern: str
    ignore_case: bool


@dataclass(frozen=True, slots=True)
class Exists:
    field: Field


@dataclass(frozen=True, slots=True)
class Empty:
    field: Field


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Query"


Condition: TypeAlias = Comparison | In | Like | Exists | Empty
Query: TypeAlias = Condition | And | Or | Not
