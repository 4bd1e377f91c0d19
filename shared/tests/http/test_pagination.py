from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from shared.http.pagination import BadCursor, decode_cursor, encode_cursor

NOW = datetime(2026, 11, 21, 10, 0, 0, 7, tzinfo=UTC)


def test_a_cursor_gives_back_the_key_it_was_made_of():
    assert decode_cursor(encode_cursor(NOW, UUID(int=7)), datetime, UUID) == (NOW, UUID(int=7))
    assert decode_cursor(encode_cursor("a", 2**63 - 1), str, int) == ("a", 2**63 - 1)


def test_a_moment_is_read_in_utc():
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    [read] = decode_cursor(encode_cursor(elsewhere), datetime)
    assert (read, read.tzinfo) == (NOW, UTC)


@pytest.mark.parametrize(
    ("key", "kinds"),
    [
        (("x",), (int,)),
        ((1,), (str,)),
        ((True,), (int,)),
        ((None,), (datetime,)),
        (("yesterday",), (datetime,)),
        (("0001-01-01T00:00:00+23:00",), (datetime,)),
        (("7",), (UUID,)),
        ((2**63,), (int,)),
        (("a\0",), (str,)),
        (("a", "b"), (str,)),
    ],
)
def test_a_key_of_another_list_is_refused(key, kinds):
    with pytest.raises(BadCursor):
        decode_cursor(encode_cursor(*key), *kinds)


@pytest.mark.parametrize("cursor", ["WyJcdWQ4MDAiXQ", "", "é", "e30", "W1", "WyJhIl0x"])
def test_what_is_no_cursor_is_refused(cursor):
    with pytest.raises(BadCursor):
        decode_cursor(cursor, str)
