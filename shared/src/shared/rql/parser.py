"""From text to a tree: a grammar for Lark's LALR parser, which knows at every place what may stand there."""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any, Final, cast

from lark import (
    Lark,
    Token,
    Transformer,
    UnexpectedCharacters,
    UnexpectedInput,
    UnexpectedToken,
    v_args,  # pyright: ignore[reportUnknownVariableType] - untyped in Lark
)
from lark.lark import PostLex

from shared.rql.errors import BadQuery, listed
from shared.rql.syntax import And, Comparison, Empty, Exists, Field, In, Like, Literal, Not, Operator, Or, Query

MAX_LENGTH: Final = 8_192
MAX_DEPTH: Final = 16
MAX_LITERALS: Final = 500

_GRAMMAR = r"""
?query: (EQUAL | ORDER) "(" FIELD "," literal ")"  -> comparison
      | LIKE "(" FIELD "," string ")"              -> like
      | _IN "(" FIELD ("," literal)+ ")"           -> one_of
      | _EXISTS "(" FIELD ")"                      -> exists
      | _EMPTY "(" FIELD ")"                       -> empty
      | _AND "(" query ("," query)* ")"            -> all_of
      | _OR "(" query ("," query)* ")"             -> any_of
      | _NOT "(" query ")"                         -> not_

?literal: string | NUMBER -> number | TRUE -> true | FALSE -> false | NULL -> null
string: STRING

EQUAL: /(eq|ne)\b/
ORDER: /(gt|ge|lt|le)\b/
LIKE: /i?like\b/
_IN: /in\b/
_EXISTS: /exists\b/
_EMPTY: /empty\b/
_AND: /and\b/
_OR: /or\b/
_NOT: /not\b/
TRUE: /true\b/
FALSE: /false\b/
NULL: /null\b/

NUMBER: /[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?\b/
STRING: /"([^"\\]|\\(["'\\\/bfnrt]|u[0-9A-Fa-f]{4}))*"|'([^'\\]|\\(["'\\\/bfnrt]|u[0-9A-Fa-f]{4}))*'/
FIELD: "/"? _PART ("/" _PART)*
_PART: _CHARACTER ((" " | _CHARACTER)* _CHARACTER)?
_CHARACTER: /[^\s\/,()"'\\]/ | /\\[,()"'\\]/

%ignore /[ \t\r\n\f]+/
"""

_WORDS: Final = {
    "EQUAL": ("eq", "ne"),
    "ORDER": ("gt", "ge", "lt", "le"),
    "LIKE": ("like", "ilike"),
    "_IN": ("in",),
    "_EXISTS": ("exists",),
    "_EMPTY": ("empty",),
    "_AND": ("and",),
    "_OR": ("or",),
    "_NOT": ("not",),
    "TRUE": ("true",),
    "FALSE": ("false",),
    "NULL": ("null",),
    "NUMBER": ("a number",),
    "STRING": ("text in quotes",),
    "FIELD": ("a field",),
    "LPAR": ("(",),
    "RPAR": (")",),
    "COMMA": (",",),
}

_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse(text: str) -> Query:
    """The tree of a query. Raises BadQuery with the position of what is wrong, and nothing else."""
    if len(text) > MAX_LENGTH:
        raise BadQuery(f"a query has at most {MAX_LENGTH} characters", position=MAX_LENGTH)
    if (broken := _UNSTORABLE.search(text)) is not None:
        raise BadQuery("NUL and lone surrogates are no text", position=broken.start())
    try:
        return cast("Query", _parser.parse(text))  # pyright: ignore[reportUnknownMemberType] - untyped in Lark
    except UnexpectedInput as error:
        raise _explained(error, text) from None


def _explained(error: UnexpectedInput, text: str) -> BadQuery:
    position, terminals = len(text), cast("Collection[str]", ())
    if isinstance(error, UnexpectedCharacters):
        position, terminals = cast("int", error.pos_in_stream), error.allowed or ()
    elif isinstance(error, UnexpectedToken):
        terminals, token = error.expected, cast("Token", error.token)
        position = position if token.type == "$END" else token.start_pos or 0
    expected = [word for terminal, words in _WORDS.items() if terminal in terminals for word in words] or ["the end"]
    found = "the query ends" if position >= len(text) else f"{text[position]!r} is out of place"
    return BadQuery(f"{found}; expected {listed(expected)}", position=position, expected=expected)


class _Limits(PostLex):
    """Counts brackets and literals while they are read, so that a query that is too much is refused at that place."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        depth = literals = 0
        for token in stream:
            position = token.start_pos or 0
            if token.type == "LPAR":
                depth += 1
                if depth > MAX_DEPTH:
                    raise BadQuery(f"a query nests at most {MAX_DEPTH} levels", position=position)
            elif token.type == "RPAR":
                depth -= 1
            elif token.type in {"STRING", "NUMBER", "TRUE", "FALSE", "NULL"}:
                literals += 1
                if literals > MAX_LITERALS:
                    raise BadQuery(f"a query has at most {MAX_LITERALS} values", position=position)
            yield token


@v_args(inline=True)
class _Tree(Transformer[Token, Query]):
    def comparison(self, operator: Token, field: Token, literal: Literal) -> Query:
        ordered = literal.value is not None and not isinstance(literal.value, bool)
        if operator.type == "ORDER" and not ordered:
            words = ["a number", "text in quotes"]
            raise BadQuery(
                f"{operator} compares numbers or text, for true, false and null have no order",
                position=literal.position,
                expected=words,
            )
        return Comparison(Operator(operator), _field(field), literal)

    def one_of(self, field: Token, *literals: Literal) -> Query:
        return In(_field(field), literals)

    def like(self, operator: Token, field: Token, pattern: Literal) -> Query:
        return Like(_field(field), str(pattern.value), ignore_case=operator == "ilike")

    def exists(self, field: Token) -> Query:
        return Exists(_field(field))

    def empty(self, field: Token) -> Query:
        return Empty(_field(field))

    def all_of(self, *operands: Query) -> Query:
        return And(operands)

    def any_of(self, *operands: Query) -> Query:
        return Or(operands)

    def not_(self, operand: Query) -> Query:
        return Not(operand)

    def string(self, token: Token) -> Literal:
        position = token.start_pos or 0
        text = _ESCAPE.sub(_unescaped, token[1:-1])
        try:
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            raise BadQuery("half of a surrogate pair is no character", position=position) from None
        if "\0" in text:
            raise BadQuery("text must not hold NUL", position=position)
        return Literal(text, position)

    def number(self, token: Token) -> Literal:
        return Literal(Decimal(token), token.start_pos or 0)

    def true(self, token: Token) -> Literal:
        return Literal(value=True, position=token.start_pos or 0)

    def false(self, token: Token) -> Literal:
        return Literal(value=False, position=token.start_pos or 0)

    def null(self, token: Token) -> Literal:
        return Literal(value=None, position=token.start_pos or 0)


def _field(token: Token) -> Field:
    parts = _ESCAPE.sub(_unescaped, token).removeprefix("/").split("/")
    return Field(tuple(part.replace("~1", "/").replace("~0", "~") for part in parts), token.start_pos or 0)


def _unescaped(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return _ESCAPED.get(match[2], match[2])


_options: dict[str, Any] = {"postlex": _Limits(), "transformer": _Tree()}
_parser: Final = Lark(_GRAMMAR, start="query", parser="lalr", **_options)
