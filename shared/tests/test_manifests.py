import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from jwt.algorithms import OKPAlgorithm

from shared.manifests import FIRST_KEY_FILE, ManifestSigner, add_manifest_key, create_manifest_keys
from shared.tokens import PRIVATE_KEY_FILE, create_keys


def published(signer, key_id):
    (jwk,) = [jwk for jwk in signer.public_keys() if jwk["kid"] == key_id]
    return OKPAlgorithm.from_jwk(jwk)


def test_a_signature_is_checked_with_the_published_key_of_its_id(tmp_path):
    create_manifest_keys(tmp_path)
    signer = ManifestSigner.load(tmp_path)
    signature, key_id = signer.sign(b'{"version":"1.0"}')
    key = published(signer, key_id)
    key.verify(base64.b64decode(signature), b'{"version":"1.0"}')
    with pytest.raises(InvalidSignature):
        key.verify(base64.b64decode(signature), b'{"version":"1.1"}')


def test_making_keys_again_keeps_the_one_there_is_and_only_its_owner_may_read_it(tmp_path):
    create_manifest_keys(tmp_path)
    path = tmp_path / FIRST_KEY_FILE
    before = path.read_bytes()
    create_manifest_keys(tmp_path)
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_newest_key_signs_and_what_the_older_ones_signed_can_still_be_checked(tmp_path):
    create_manifest_keys(tmp_path)
    old, old_id = ManifestSigner.load(tmp_path).sign(b"m")
    for _ in range(9):
        newest = add_manifest_key(tmp_path)
    assert newest.name == "manifest-signing-10.pem"
    signer = ManifestSigner.load(tmp_path)
    new, new_id = signer.sign(b"m")
    assert new_id == signer.public_keys()[-1]["kid"] != old_id
    published(signer, old_id).verify(base64.b64decode(old), b"m")
    published(signer, new_id).verify(base64.b64decode(new), b"m")


def test_a_key_that_is_left_as_its_public_half_signs_no_more(tmp_path):
    create_manifest_keys(tmp_path)
    old_id = ManifestSigner.load(tmp_path).sign(b"m").key_id
    retired = add_manifest_key(tmp_path)
    public = load_pem_private_key(retired.read_bytes(), None).public_key()
    retired.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    signer = ManifestSigner.load(tmp_path)
    assert signer.sign(b"m").key_id == old_id
    assert len(signer.public_keys()) == 2


def test_the_key_that_signs_tokens_is_not_taken_for_one_that_signs_manifests(tmp_path):
    create_keys(tmp_path)
    assert (tmp_path / PRIVATE_KEY_FILE).exists()
    with pytest.raises(FileNotFoundError, match="manifest-signing"):
        ManifestSigner.load(tmp_path)
