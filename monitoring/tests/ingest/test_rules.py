"""What a message says."""

import json

import pytest

from monitoring.ingest.rules import arrivals
from shared.contracts.telemetry import MAX_BODY_BYTES

from ..worlds import NOON, body

KEY = "devices.pump-1.telemetry"


def test_the_device_is_the_routing_keys_whatever_the_body_says():
    payload = json.dumps({"device_uid": "other", "uid": "other", "metrics": {"t": 1}}).encode()
    [one] = arrivals(KEY, payload, None, received_at=NOON)
    assert one.device_uid == "pump-1"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{",
        b"[" * 50_000,
        b'{"metrics": {}}',
        b'{"metrics": {"t": NaN}}',
        b'{"metrics": {"t": null}}',
        b'{"metrics": {"$t": 1}}',
        b'{"metrics": {"t": 1}, "seq": -1}',
        b'{"metrics": {"t": 1}, "ts": "yesterday"}',
        b'{"metrics": {"t": "a\\u0000b"}}',
        b'{"metrics": {"t": 1}}' + b" " * MAX_BODY_BYTES,
        json.dumps([{"metrics": {"t": 1}}] * 1_001).encode(),
    ],
)
def test_what_is_no_telemetry_is_poison(payload):
    with pytest.raises(ValueError, match=r"."):
        arrivals(KEY, payload, None, received_at=NOON)


@pytest.mark.parametrize("key", ["devices.a.b.telemetry", "devices..telemetry", "devices.pump-1.status.x", ""])
def test_a_key_that_names_no_device_is_poison(key):
    with pytest.raises(ValueError, match="names no device"):
        arrivals(key, body(), None, received_at=NOON)


def test_samples_without_time_and_seq_are_told_apart_by_the_messages_id_or_its_body():
    payload = json.dumps([{"metrics": {"t": 1}}, {"metrics": {"t": 1}}]).encode()

    def origins(message_id, sent=payload):
        return [one.origin for one in arrivals(KEY, sent, message_id, received_at=NOON)]

    assert len({*origins("a"), *origins("b"), *origins(None)}) == 6
    assert origins("a") == origins("a")
    assert origins(None) == origins(None)
    assert origins(None) != origins(None, payload + b" ")
