import pytest

from shared.rql.errors import BadQuery
from shared.rql.fields import check
from shared.rql.parser import parse

from .queries import FIELDS


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("and(exists(name),eq(colour,1))", 20, "there is no field colour; there are attributes, name"),
        ("not(exists(name/first))", 11, "name has nothing inside"),
        ("eq(name,5)", 8, "expected text in quotes or null"),
        ('eq(version,"5")', 11, "expected a number"),
        ('in(updates_enabled,true,"yes")', 24, "expected true or false"),
        ("gt(updates_enabled,1)", 19, "expected true or false"),
        ('like(version,"1*")', 5, "version is no text"),
        ("eq(tags,1)", 8, "expected one text in quotes"),
        ('gt(registered_at,"yesterday")', 17, "expected a time"),
        ('gt(registered_at,"0001-01-01T00:00:00+14:00")', 17, "expected a time"),
    ],
)
def test_what_cannot_be_asked_of_a_field_is_refused_at_its_place(text, position, says):
    with pytest.raises(BadQuery, match=says) as caught:
        check(parse(text), FIELDS)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "text",
    ["eq(attributes/a,1)", "exists(attributes)", 'le(registered_at,"2026-01-31")', "eq(name,null)", "eq(version,null)"],
)
def test_what_can_be_asked_passes(text):
    check(parse(text), FIELDS)
