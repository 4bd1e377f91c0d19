"""A body that is read fast is read as pydantic reads it, or is left to pydantic."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from device_management.devices.states import Lifecycle, Status
from device_management.registration.schemas import BatchDevice, Proposal, read_batch

_judge = TypeAdapter(list[BatchDevice])

FULL: dict[str, Any] = {
    "device_uid": "pump-1",
    "organization_id": 3,
    "name": "Pumpe ä",
    "device_type": "pump",
    "serial_number": "SN",
    "hardware_version": "v1.0",
    "status": "deployed",
    "updates_enabled": False,
    "attributes": {"a": [1, 2.5, None, {"é": "\U0001f600"}], "large": 10**30},
    "tags": ["a", "b"],
}


def understood(devices: list[Any]) -> list[Any]:
    def one(device: Proposal) -> tuple[Any, ...]:
        return device.organization_id, device.device_uid or None, device.members(), device.given()

    return [one(device) for device in devices]


@pytest.mark.parametrize(
    "device",
    [
        FULL,
        {"organization_id": 3},
        {"organization_id": -1},
        {"organization_id": 2**63},
        {"organization_id": 3, "name": None, "device_type": None, "serial_number": None, "hardware_version": None},
        {"organization_id": 3, "attributes": {}, "tags": [], "updates_enabled": True, "status": "idle"},
        {"organization_id": 3, "device_uid": "é" * 64, "name": "x" * 200, "serial_number": "x" * 128},
        *({"organization_id": 3, "status": word} for word in sorted({*Status, *Lifecycle} - {Lifecycle.RETIRED})),
    ],
)
def test_what_has_the_right_shape_is_read_fast(device: dict[str, Any]):
    body = json.dumps([device, FULL]).encode()
    read = read_batch(body)
    assert read is not None
    assert understood(read) == understood(_judge.validate_python(json.loads(body)))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"organization_id": 1}',
        b'\xef\xbb\xbf[{"organization_id": 1}]',
        b'[{"organization_id": 1.0}]',
        b'[{"organization_id": "1"}]',
        b'[{"organization_id": true}]',
        b'[{"organization_id": 1, "unknown": 1}]',
        b'[{"organization_id": 1, "device_uid": ""}]',
        b'[{"organization_id": 1, "device_uid": null}]',
        b'[{"organization_id": 1, "name": ""}]',
        b'[{"organization_id": 1, "name": "\\u0000"}]',
        b'[{"organization_id": 1, "name": "\\ud800"}]',
        b'[{"organization_id": 1, "name": "\xff"}]',
        b'[{"organization_id": 1, "name": "a\x01b"}]',
        b'[{"organization_id": 1, "name": "' + b"x" * 201 + b'"}]',
        b'[{"organization_id": 1, "status": "retired"}]',
        b'[{"organization_id": 1, "status": "Idle"}]',
        b'[{"organization_id": 1, "status": "idle\\n"}]',
        b'[{"organization_id": 1, "status": null}]',
        b'[{"organization_id": 1, "updates_enabled": 1}]',
        b'[{"organization_id": 1, "tags": [""]}]',
        b'[{"organization_id": 1, "tags": ' + json.dumps(["x"] * 65).encode() + b"}]",
        b'[{"organization_id": 1, "attributes": []}]',
        b'[{"organization_id": 1, "attributes": {"a": NaN}}]',
        b'[{"organization_id": 1, "attributes": {"a": 1e999}}]',
        b'[{"organization_id": 1, "attributes": {"a": 1' + b"0" * 400 + b"}}]",
        b'[{"organization_id": 1, "attributes": {"a": "\\u0000"}}]',
        b'[{"organization_id": 1, "attributes": {"a": "' + b"x" * 20_000 + b'"}}]',
        b'[{"organization_id": 1, "attributes": ' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}]",
        b'[{"organization_id": 1, "attributes": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]",
    ],
)
def test_all_else_is_left_to_pydantic(body: bytes):
    assert read_batch(body) is None


_words = st.sampled_from([*Status, *Lifecycle])
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=70)
    | st.sampled_from([*Status, *Lifecycle]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*FULL]), _values).map(lambda some: {"organization_id": 3, **some}))
def test_nothing_is_read_otherwise_than_pydantic_reads_it(device: dict[str, Any]):
    body = json.dumps([device]).encode()
    read = read_batch(body)
    try:
        judged = _judge.validate_python(json.loads(body))
    except ValidationError:
        assert read is None
    else:
        assert read is None or understood(read) == understood(judged)
