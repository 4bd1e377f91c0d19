"""`muster firmware` as a person or a script runs it."""

import hashlib
import json

import pytest

IMAGE = bytes(range(256)) * 1000


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "pump.bin"
    path.write_bytes(IMAGE)
    return str(path)


def test_an_image_arrives_whole_with_its_name_version_and_hardware(muster, platform, image):
    result = muster(
        *("firmware", "upload", image, "--name", "pump-os", "--version", "1.2.0"),
        *("--hardware", "px-300", "--hardware", "px-301"),
    )
    assert result.exit_code == 0, result.stderr
    assert platform.shelf.images == [IMAGE]
    assert "Hardware: px-300, px-301\n" in result.stdout
    assert f"SHA-256: {hashlib.sha256(IMAGE).hexdigest()}\n" in result.stdout
    assert "State: uploaded\n" in result.stdout


def test_an_access_token_that_has_ended_does_not_cut_an_upload(muster, platform, image):
    platform.expires_in = 0
    assert muster("firmware", "upload", image, "--name", "pump-os", "--version", "1.2.0").exit_code == 0
    assert platform.shelf.images == [IMAGE]


def test_a_file_that_is_not_there_is_wrong_usage(muster):
    result = muster("firmware", "upload", "nowhere.bin", "--name", "pump-os", "--version", "1.2.0")
    assert (result.exit_code, result.stderr) == (2, "error: cannot read nowhere.bin: No such file or directory\n")


@pytest.mark.parametrize("reference", ["1", "pump-os@1.2.0"])
def test_firmware_is_approved_and_shown_by_its_id_or_by_name_and_version(muster, image, reference):
    muster("firmware", "upload", image, "--name", "pump-os", "--version", "1.2.0")
    assert "State: approved\n" in muster("firmware", "approve", reference).stdout
    assert json.loads(muster("firmware", "show", reference, "--json").stdout)["state"] == "approved"
    assert muster("firmware", "list").stdout == "1\tpump-os\t1.2.0\tall\t256000\tapproved\t2026-01-02\n"


@pytest.mark.parametrize("reference", ["7", "pump-os@9.9.9"])
def test_firmware_that_is_not_there_says_where_to_look(muster, reference):
    result = muster("firmware", "approve", reference)
    assert result.exit_code == 1
    assert result.stderr.endswith("(firmware_not_found); `muster firmware list` shows what there is\n")


def test_an_approval_of_several_says_how_many_there_are(muster, image):
    muster("firmware", "upload", image, "--name", "pump-os", "--version", "1.2.0")
    assert muster("firmware", "policy").stdout == "Approvals: 1\n"
    assert muster("firmware", "policy", "--approvals", "2").stdout == "Approvals: 2\n"
    answer = muster("firmware", "approve", "1").stdout
    assert "State: uploaded\n" in answer
    assert "Approvals: 1 of 2\n" in answer


def test_withdrawn_firmware_says_why(muster, image):
    muster("firmware", "upload", image, "--name", "pump-os", "--version", "1.2.0")
    answer = muster("firmware", "withdraw", "pump-os@1.2.0", "--reason", "bricks v2").stdout
    assert "State: withdrawn\n" in answer
    assert answer.endswith("Because: bricks v2\n")


def test_the_keys_are_a_jwk_set_as_json(muster):
    assert json.loads(muster("firmware", "keys", "--json").stdout)["keys"][0]["kid"] == "key-1"


def test_a_sites_line_is_limited_and_let_go(muster):
    assert muster("firmware", "bandwidth", "set", "7", "65536").stdout == "Site: 7\nBytes per second: 65536\n"
    assert muster("firmware", "bandwidth", "list").stdout == "7\t65536\t2026-01-02T03:04:05+00:00\t1\n"
    assert muster("firmware", "bandwidth", "lift", "7").exit_code == 0
    assert muster("firmware", "bandwidth", "list").stdout == ""
