from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rql.errors import BadQuery
from shared.rql.parser import MAX_DEPTH, MAX_LENGTH, MAX_LITERALS, parse
from shared.rql.syntax import And, Comparison, Empty, Exists, Field, In, Like, Literal, Not, Operator

from .queries import queries, written


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('eq(attributes/type,"gateway")', Comparison(Operator.EQ, Field(("attributes", "type")), Literal("gateway"))),
        ("ne(/name,null)", Comparison(Operator.NE, Field(("name",)), Literal(None))),
        (" gt ( version , -1.50 ) ", Comparison(Operator.GT, Field(("version",)), Literal(Decimal("-1.5")))),
        ("in(a,'x',2,true,null)", In(Field(("a",)), tuple(map(Literal, ("x", Decimal(2), True, None))))),
        ('ilike(name,"Pump*")', Like(Field(("name",)), "Pump*", ignore_case=True)),
        ("exists(attributes/serial no/in~1out~0)", Exists(Field(("attributes", "serial no", "in/out~")))),
        ("not(empty(tags))", Not(Empty(Field(("tags",))))),
        ("and(exists(eq),exists(true))", And((Exists(Field(("eq",))), Exists(Field(("true",)))))),
        (r'eq(a,"\"\\\/\u00e4\n\ud83d\ude00")', Comparison(Operator.EQ, Field(("a",)), Literal('"\\/ä\n😀'))),
        (r"eq(a,'it\'s')", Comparison(Operator.EQ, Field(("a",)), Literal("it's"))),
    ],
)
def test_what_ditto_writes_is_read(text, query):
    assert parse(text) == query


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "eq"),
        ("similar(a,1)", 0, "like"),
        ("eqq(a,1)", 0, "eq"),
        ("EQ(a,1)", 0, "eq"),
        ("eq(a", 4, ","),
        ("eq(a,1", 6, ")"),
        ("eq(a,1))", 7, "the end"),
        ("eq(,1)", 3, "a field"),
        ("eq(a//b,1)", 4, ","),
        ('eq(a,"x)', 5, "text in quotes"),
        ("eq(a,01)", 5, "a number"),
        ("eq(a,b)", 5, "text in quotes"),
        ("like(a,5)", 7, "text in quotes"),
        ("gt(a,true)", 5, "a number"),
        ("lt(a,null)", 5, "a number"),
        ("in(a)", 4, ","),
        ("or()", 3, "eq"),
        ("and(eq(a,1),)", 12, "not"),
        ("not(eq(a,1),eq(b,2))", 11, ")"),
    ],
)
def test_an_error_names_its_position_and_what_was_expected(text, position, expected):
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert caught.value.position == position
    assert expected in caught.value.extra["expected"]
    assert caught.value.extra["position"] == position


@pytest.mark.parametrize("text", ['eq(a,"\0")', r'eq(a,"\u0000")', 'eq(a,"\ud800")', r'eq(a,"\ud800x")', "eq(a\0,1)"])
def test_what_no_database_stores_as_text_is_refused(text):
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert caught.value.position in {4, 5, 6}


def test_limits_are_refused_where_they_are_passed():
    inside = "not(" * (MAX_DEPTH - 1)
    parse(f"{inside}eq(a,1){')' * (MAX_DEPTH - 1)}")
    with pytest.raises(BadQuery, match=f"at position {len(inside) + 6}") as caught:
        parse(f"{inside}not(eq(a,1){')' * MAX_DEPTH}")
    values = ",".join(["1"] * MAX_LITERALS)
    parse(f"in(a,{values})")
    with pytest.raises(BadQuery, match=f"{MAX_LITERALS} values") as caught:
        parse(f"in(a,{values},1)")
    assert caught.value.position == len(f"in(a,{values},")
    with pytest.raises(BadQuery, match=f"{MAX_LENGTH} characters"):
        parse(" " * MAX_LENGTH + "exists(a)")


@given(queries)
def test_a_query_written_down_is_read_again(query):
    assert parse(written(query)) == query


def refused_at(text: str) -> int | None:
    try:
        parse(text)
    except BadQuery as error:
        return error.position
    return None


_pieces = st.sampled_from(
    [
        "eq(",
        "in(",
        "like(",
        "not(",
        "and(",
        "exists(",
        ")",
        ",",
        "a/b",
        "/",
        '"',
        "'",
        "\\",
        "\\u00",
        "1",
        "-",
        ".",
        "null",
    ]
)


@given(st.text() | st.lists(_pieces | st.text(max_size=2)).map("".join))
def test_any_text_gives_a_query_or_an_error_with_its_position(text):
    assert refused_at(text) in {None, *range(len(text) + 1)}


@given(queries, st.data())
def test_so_does_a_query_with_a_typing_error(query, data):
    text = written(query)
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.text(max_size=1)) + text[at + 1 :]
    assert refused_at(broken) in {None, *range(len(broken) + 1)}
