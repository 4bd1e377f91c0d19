import json
from datetime import UTC, datetime, timedelta

import pytest

from ota_service.manifests.rules import manifest, obstacle

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("differs", "reason"),
    [
        ({}, None),
        ({"lifecycle": "retired"}, "retired"),
        ({"updates_enabled": False}, "updates_disabled"),
        ({"hardware_versions": ["r1", "r2"]}, None),
        ({"hardware_versions": ["r2"]}, "hardware_mismatch"),
        ({"hardware_versions": ["r2"], "hardware_version": None}, "hardware_mismatch"),
        ({"hardware_version": None}, None),
    ],
)
def test_what_is_in_the_way_of_an_update(differs, reason):
    device = {"lifecycle": "deployed", "updates_enabled": True, "hardware_version": "r1", "hardware_versions": []}
    found = obstacle(**(device | differs))
    assert (found and found.reason) == reason


def test_a_manifest_is_canonical_json():
    text = manifest(
        session_id="s",
        device_uid="pump-1",
        counter=7,
        name="edge",
        version="2.0",
        release_counter=3,
        size=11,
        sha256="ab",
        hardware_versions=["r2", "r1"],
        issued_at=AT,
        expires_at=AT + timedelta(days=1),
    )
    assert text == (
        '{"counter":7,"device_uid":"pump-1","expires_at":1795305600,"hardware_versions":["r1","r2"],'
        '"issued_at":1795219200,"name":"edge","release_counter":3,"session":"s","sha256":"ab","size":11,"version":"2.0"}'
    )
    assert list(json.loads(text)) == sorted(json.loads(text))
