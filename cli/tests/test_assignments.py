import pytest

from muster_cli import assignments


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("slots=4", 4),
        ("mode=fast", "fast"),
        ('deep={"a": [null]}', {"a": [None]}),
        ("equation=a=b", "a=b"),
        ("empty=", ""),
        ("mode=NaN", "NaN"),
        ("limit=-Infinity", "-Infinity"),
        ("limit=1e999", "1e999"),
        ("digits=" + "9" * 5_000, "9" * 5_000),
        ("deep=" + "[" * 100_000, "[" * 100_000),
    ],
    ids=lambda part: str(part)[:20],
)
def test_what_reads_as_json_is_json_and_all_else_is_text(text: str, value: object):
    assert list(assignments.values([text]).values()) == [value]
