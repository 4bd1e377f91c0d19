import pytest

from shared.sealing import KEYS_FILE, CannotUnseal, Sealer, create_sealing_key


def test_what_was_sealed_is_read_again_and_does_not_show(tmp_path):
    create_sealing_key(tmp_path)
    sealer = Sealer.load(tmp_path)
    sealed = sealer.seal("pässword")
    assert b"ssword" not in sealed
    assert sealer.open(sealed) == "pässword"
    assert (tmp_path / KEYS_FILE).stat().st_mode & 0o777 == 0o600


def test_making_the_key_again_changes_nothing(tmp_path):
    create_sealing_key(tmp_path)
    before = (tmp_path / KEYS_FILE).read_text()
    create_sealing_key(tmp_path)
    assert (tmp_path / KEYS_FILE).read_text() == before


def test_a_new_first_line_rotates_and_old_secrets_stay_readable(tmp_path):
    create_sealing_key(tmp_path)
    old_keys = (tmp_path / KEYS_FILE).read_text()
    sealed = Sealer.load(tmp_path).seal("secret")
    (tmp_path / KEYS_FILE).unlink()
    create_sealing_key(tmp_path)
    with pytest.raises(CannotUnseal):
        Sealer.load(tmp_path).open(sealed)
    path = tmp_path / KEYS_FILE
    path.write_text(path.read_text() + old_keys)
    assert Sealer.load(tmp_path).open(sealed) == "secret"


def test_a_text_is_known_again_by_its_fingerprint_also_after_a_rotation_and_by_nobody_without_the_keys(tmp_path):
    create_sealing_key(tmp_path)
    [before] = Sealer.load(tmp_path).fingerprints("password")
    path = tmp_path / KEYS_FILE
    old_keys = path.read_text()
    path.unlink()
    create_sealing_key(tmp_path)
    assert before not in Sealer.load(tmp_path).fingerprints("password")
    path.write_text(path.read_text() + old_keys)
    assert before in Sealer.load(tmp_path).fingerprints("password")
    assert before not in Sealer.load(tmp_path).fingerprints("Password")
