from dataclasses import fields

import pytest

from ota_service.sessions.models import (
    NewPart,
    NewReport,
    NewSession,
    SessionReport,
    UpdateSession,
    UpdateSessionPart,
)


@pytest.mark.parametrize(
    ("new", "table", "made_by_the_database"),
    [(NewSession, UpdateSession, set()), (NewPart, UpdateSessionPart, set()), (NewReport, SessionReport, {"id", "at"})],
)
def test_what_is_about_to_be_a_row_has_its_members(new, table, made_by_the_database):
    assert {one.name for one in fields(new)} == table.model_fields.keys() - made_by_the_database
