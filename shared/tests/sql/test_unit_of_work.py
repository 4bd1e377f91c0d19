import pytest
from sqlalchemy import text

from shared.sql.unit_of_work import Units, Unstorable


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("select cast(:value as text)", "a\ud800b"),
        ("select cast(:value as text)", "a\0b"),
        ("select cast(:value as bigint)", 2**63),
        ("select cast(cast(:value as text) as jsonb)", '"\\u0000"'),
    ],
)
async def test_a_value_that_the_database_cannot_hold_is_the_callers_error(units: Units, statement: str, value: object):
    with pytest.raises(Unstorable):
        async with units.begin() as unit:
            await unit.session.execute(text(statement), {"value": value})
