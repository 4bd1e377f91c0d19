import json
from datetime import UTC, datetime, timedelta

import pytest

from ota_service.firmware.models import Firmware
from ota_service.fleet.schemas import FleetDeviceRead
from ota_service.installations.schemas import Installed
from ota_service.manifests.rules import manifest, obstacle

AT = datetime(2026, 11, 21, tzinfo=UTC)


def device(**differs) -> FleetDeviceRead:
    facts = {"lifecycle": "deployed", "updates_enabled": True, "hardware_version": "r1"} | differs
    return FleetDeviceRead.model_construct(device_uid="pump-1", **facts)


def firmware(release=2, *, name="edge", hardware_versions=(), **differs) -> Firmware:
    """`release` is its release counter, and stands in its id and its version."""
    number = release + 100 * len(name)
    facts = {"version": f"{release}.0", "sha256": "ab", "size": 11} | differs
    return Firmware(id=number, name=name, release_counter=release, hardware_versions=sorted(hardware_versions), **facts)


def has(one: Firmware, *, confirmed=True) -> dict[str, Installed]:
    return {one.name: Installed(one.id, one.version, one.release_counter, one.id if confirmed else None)}


def reason(*bundle, of=None, on_device=None, floors=(), force=False) -> str | None:
    found = obstacle(of or device(), bundle, on_device or {}, floors=floors, force=force)
    return found and found.reason


@pytest.mark.parametrize(
    ("differs", "expected"),
    [
        ({}, None),
        ({"lifecycle": "retired"}, "retired"),
        ({"updates_enabled": False}, "updates_disabled"),
        ({"hardware_version": "r9"}, "hardware_mismatch"),
        ({"hardware_version": None}, "hardware_mismatch"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_what_a_device_is_may_be_in_the_way(differs, expected, force):
    parts = firmware(), firmware(name="radio", hardware_versions=["r1", "r2"])
    assert reason(*parts, of=device(**differs), force=force) == expected


def test_firmware_without_hardware_versions_fits_every_device():
    assert reason(firmware(), of=device(hardware_version=None)) is None


def test_nothing_older_than_what_a_device_has_unless_it_is_forced():
    newer = has(firmware(3))
    assert reason(firmware(2), on_device=newer) == "older_release"
    assert reason(firmware(2), on_device=has(firmware(3), confirmed=False)) == "older_release"
    assert reason(firmware(9, name="radio"), firmware(2), on_device=newer) == "older_release"
    assert reason(firmware(2), on_device=newer, force=True) is None
    assert reason(firmware(2, name="radio"), on_device=newer) is None


def test_what_runs_already_is_not_installed_again_unless_it_is_forced_or_has_not_proved_itself():
    assert reason(firmware(2), on_device=has(firmware(2))) == "already_installed"
    assert reason(firmware(2), on_device=has(firmware(2)), force=True) is None
    assert reason(firmware(2), on_device=has(firmware(2), confirmed=False)) is None
    assert reason(firmware(2), firmware(1, name="radio"), on_device=has(firmware(2))) is None


def test_a_device_below_a_floor_needs_another_update_first_and_force_does_not_help():
    floor = firmware(5, name="boot")
    for force in (False, True):
        assert reason(firmware(), floors=[floor], force=force) == "below_floor"
        assert reason(firmware(), floors=[floor], on_device=has(firmware(4, name="boot")), force=force) == "below_floor"
        assert reason(firmware(), floors=[floor], on_device=has(firmware(5, name="boot")), force=force) is None
    assert reason(firmware(), floors=[floor], on_device=has(firmware(7, name="boot"))) is None


def test_a_manifest_is_canonical_json_and_binds_all_parts():
    parts = [
        firmware(3, hardware_versions=["r2", "r1"]),
        firmware(1, name="radio", sha256="cd", hardware_versions=["r3", "r2"]),
        firmware(1, name="voice"),
    ]
    text = manifest(
        parts,
        session_id="s",
        device_uid="pump-1",
        counter=7,
        issued_at=AT,
        expires_at=AT + timedelta(days=1),
        force=False,
    )
    assert text == (
        '{"counter":7,"device_uid":"pump-1","expires_at":1795305600,"force":false,"hardware_versions":["r2"],'
        '"issued_at":1795219200,"name":"edge","parts":['
        '{"name":"edge","release_counter":3,"sha256":"ab","size":11,"version":"3.0"},'
        '{"name":"radio","release_counter":1,"sha256":"cd","size":11,"version":"1.0"},'
        '{"name":"voice","release_counter":1,"sha256":"ab","size":11,"version":"1.0"}],'
        '"release_counter":3,"session":"s","sha256":"ab","size":11,"version":"3.0"}'
    )
    assert list(json.loads(text)) == sorted(json.loads(text))
