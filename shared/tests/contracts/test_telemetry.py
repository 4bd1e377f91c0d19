import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.contracts import telemetry
from shared.contracts.telemetry import decode

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,63}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100)
values = st.one_of(st.booleans(), st.floats(allow_nan=False, allow_infinity=False), texts)
times = st.one_of(
    st.integers(0, 253_402_300_799_999),
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 12, 30), timezones=st.timezones()).map(  # noqa: DTZ001
        lambda at: at.replace(tzinfo=UTC).isoformat()
    ),
)
samples = st.fixed_dictionaries(
    {"metrics": st.dictionaries(names, values, min_size=1, max_size=5)},
    optional={
        "ts": times,
        "seq": st.integers(0, 2**63 - 1),
        "boot": st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        "unknown": st.recursive(values, st.lists, max_leaves=5),
    },
)
keys = st.sampled_from(["metrics", "ts", "seq", "boot", "a"]) | st.text()
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["metrics", "ts", "seq", "boot", "a"]) | st.text(), inner)
    ),
    max_leaves=20,
)


@given(st.one_of(samples, st.lists(samples, min_size=1, max_size=5)))
def test_what_the_documentation_promises_is_taken(body: object):
    decoded = decode(json.dumps(body).encode())
    expected = body if isinstance(body, list) else [body]
    for sample, wanted in zip(decoded, expected, strict=True):
        assert sample.metrics == wanted["metrics"]
        assert (sample.ts, sample.seq, sample.boot) == (wanted.get("ts"), wanted.get("seq"), wanted.get("boot"))
        at = sample.time()
        assert at is None or (at.tzinfo is UTC and 1970 <= at.year <= 9999)


@given(st.binary(max_size=300))
def test_any_bytes_are_taken_or_refused_as_a_value_error(body: bytes):
    _take_or_refuse(body)


@given(anything)
@example({"metrics": {"a": math.nan}})
@example({"metrics": {"a": math.inf}})
@example({"metrics": {"a": 10**400}})
@example({"metrics": {"a": -(10**400)}})
@example({"metrics": {"a": 1}, "ts": 10**400})
@example({"metrics": {"a": 1}, "ts": -1})
@example({"metrics": {"a": 1}, "ts": 1e308})
@example({"metrics": {"a": 1}, "ts": True})
@example({"metrics": {"a": 1}, "ts": ""})
@example({"metrics": {"a": 1}, "ts": "2026-11-21T00:00:00"})
@example({"metrics": {"a": 1}, "ts": "0001-01-01T00:00:00+23:59"})
@example({"metrics": {"a": 1}, "ts": "9999-12-31T23:59:59-23:59"})
@example({"metrics": {"a": 1}, "ts": "2026-11-21T00:00:00+99:99"})
@example({"metrics": {"a": 1}, "seq": 2**63})
@example({"metrics": {"a": 1}, "seq": -1})
@example({"metrics": {"a": 1}, "seq": 1.5})
@example({"metrics": {"a": 1}, "boot": "\ud800"})
@example({"metrics": {"a": "\0"}})
@example({"metrics": {"\ud800": 1}})
@example({"metrics": {"$where": 1}})
@example({"metrics": {}})
@example([])
def test_any_json_is_taken_or_refused_as_a_value_error(body: object):
    _take_or_refuse(json.dumps(body).encode(errors="surrogatepass"))


@pytest.mark.parametrize(
    "body",
    [
        b'{"metrics":{"a":1},"x":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'{"metrics":{"a":1},"x":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}",
        b'{"metrics":{"a":' + b"[" * 60_000 + b"]" * 60_000 + b"}}",
        b"[" * 131_072,
        b'{"metrics":{"\xff":1}}',
        b'{"metrics":{"a":"\xed\xa0\x80"}}',
        b'{"metrics":{"a":' + b"9" * 130_000 + b"}}",
        b'{"metrics":{"a":1},"ts":' + b"9" * 130_000 + b"}",
        b'{"metrics":{"a":1},"ts":"1969-12-31T23:59:59Z"}',
        b'{"metrics":{"a":1},"ts":"2026-W47-6T00:00Z"}',
        b'\xef\xbb\xbf{"metrics":{"a":1}}',
        b'{"metrics":{"a":1}}' * 2,
        b'{"metrics":{"' + b"a" * 65 + b'":1}}',
        json.dumps({"metrics": {"a": "x" * (telemetry.MAX_TEXT + 1)}}).encode(),
        json.dumps({"metrics": {f"m{number}": 1 for number in range(telemetry.MAX_METRICS + 1)}}).encode(),
        json.dumps([{"metrics": {"a": 1}}] * (telemetry.MAX_SAMPLES + 1)).encode(),
        b" " * telemetry.MAX_BODY_BYTES + b'{"metrics":{"a":1}}',
    ],
)
def test_hostile_bodies_are_refused_as_a_value_error(body: bytes):
    with pytest.raises(ValueError, match=r"."):
        decode(body)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ({"metrics": {"oil level": 1}}, "'oil level' is no metric's name"),
        ({"metrics": {"x" * 100_000: 1}}, f"'{'x' * 64}...' is no metric's name"),
        ({"metrics": {"\nx": 1}}, r"'\nx' is no metric's name"),
        ({"metrics": {"note": "x" * 1_025}}, "note: a text has at most 1024 characters"),
        ({"metrics": {"note": "a\0"}}, "note: a text has"),
        ({"metrics": {"a": 1}, "boot": "first boot"}, "'first boot' is no boot"),
        ({"metrics": {"a": 1}, "ts": "yesterday"}, "ts: Invalid RFC3339"),
        ({"metrics": {"a": 1}, "ts": 10**20}, "ts is not epoch milliseconds of the years 1970"),
    ],
)
def test_the_reason_names_what_is_wrong_and_is_short(sample: object, reason: str):
    with pytest.raises(ValueError, match=r".") as refused:
        decode(json.dumps(sample).encode())
    assert str(refused.value).startswith(reason)
    assert len(str(refused.value)) < 200
    assert str(refused.value).isprintable()


def test_the_largest_message_allowed_is_taken():
    body = json.dumps([{"metrics": {"a": 1}}] * telemetry.MAX_SAMPLES).encode()
    assert len(decode(body)) == telemetry.MAX_SAMPLES


def test_epoch_milliseconds_and_text_name_the_same_moment():
    [epoch], [text] = (
        decode(b'{"metrics":{"a":1},"ts":1795238131843}'),
        decode(b'{"metrics":{"a":1},"ts":"2026-11-21T06:15:31.843+01:00"}'),
    )
    assert epoch.time() == text.time() == datetime(2026, 11, 21, 5, 15, 31, 843_000, tzinfo=UTC)


def _take_or_refuse(body: bytes) -> None:
    try:
        decoded = decode(body)
    except ValueError:
        return
    for sample in decoded:
        at = sample.time()
        assert at is None or 1970 <= at.year <= 9999
        for value in sample.metrics.values():
            assert not isinstance(value, float) or math.isfinite(value)
