import pytest
from hypothesis import given
from hypothesis import strategies as st

from ota_service.firmware.errors import RangeNotSatisfiable
from ota_service.firmware.rules import Part, is_known, part_of

WHOLE = Part(0, 100, whole=True)


def part(wanted, *, if_range=None):
    return part_of(100, wanted=wanted, if_range=if_range, etag='"e"')


@pytest.mark.parametrize(
    "wanted",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "items=0-1", "bytes=0x1-", "²"],
)
def test_what_is_not_one_range_is_answered_with_the_whole(wanted):
    assert part(wanted) == WHOLE


@pytest.mark.parametrize("wanted", ["bytes=5-9", "Bytes=5-9", " bytes= 5-9 "])
def test_the_unit_is_no_matter_of_case_and_blanks(wanted):
    assert part(wanted) == Part(5, 10, whole=False)


@given(st.integers(1, 50), st.integers(0, 60), st.one_of(st.none(), st.integers(0, 60)))
def test_a_range_lies_within_the_file_or_is_refused(size, first, last):
    text = f"bytes={first}-{'' if last is None else last}"
    try:
        found = part_of(size, wanted=text, if_range=None, etag='"e"')
    except RangeNotSatisfiable:
        assert first >= size
        return
    assert 0 <= found.start < found.end <= size
    if not found.whole:
        assert found.start == first


@given(st.text(max_size=40))
def test_no_header_is_an_error_of_ours(text):
    for given_range in (text, f"bytes={text}"):
        try:
            part(given_range, if_range=text)
        except RangeNotSatisfiable:
            continue
    is_known('"e"', text)
