"""The keys that sign manifests: what a device checks before it installs anything.

A manifest is signed as the bytes it is sent as, with Ed25519. Keys are files `manifest-signing-<number>.pem`: the one
with the greatest number signs, all are published, so a key is replaced by adding one, and one that must sign no more
may stay as its public half. Only ota-service holds them.
"""

import base64
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from shared.private_files import write_new
from shared.tokens import key_id_of, public_jwk

FIRST_KEY_FILE = "manifest-signing-1.pem"
_FILE = re.compile(r"manifest-signing-([1-9]\d{0,8})\.pem")


class Signature(NamedTuple):
    signature: str
    """64 bytes as base64."""

    key_id: str


class ManifestSigner:
    def __init__(self, signing: Ed25519PrivateKey, published: dict[str, Ed25519PublicKey]) -> None:
        self._signing = signing
        self._key_id = key_id_of(signing.public_key())
        self._published = published

    @classmethod
    def load(cls, directory: Path) -> "ManifestSigner":
        """Raises FileNotFoundError when no key in `directory` can sign, TypeError for a key of another kind."""
        signing: Ed25519PrivateKey | None = None
        published: dict[str, Ed25519PublicKey] = {}
        for _, path in sorted(_key_files(directory)):
            key = _read(path)
            public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
            published[key_id_of(public)] = public
            if isinstance(key, Ed25519PrivateKey):
                signing = key
        if signing is None:
            raise FileNotFoundError(f"no manifest-signing-<number>.pem with a private key in {directory}")
        return cls(signing, published)

    def sign(self, manifest: bytes) -> Signature:
        return Signature(base64.b64encode(self._signing.sign(manifest)).decode(), self._key_id)

    def public_keys(self) -> list[dict[str, str]]:
        """The members of a JSON Web Key Set (RFC 8037), the oldest key first."""
        return [
            {**public_jwk(key), "kid": key_id, "use": "sig", "alg": "EdDSA"} for key_id, key in self._published.items()
        ]


def create_manifest_keys(directory: Path) -> None:
    """Makes the first key, unless there is one; only the owner may read it."""
    directory.mkdir(parents=True, exist_ok=True)
    if not _key_files(directory):
        with suppress(FileExistsError):
            _write(directory / FIRST_KEY_FILE)


def add_manifest_key(directory: Path) -> Path:
    """Makes a key that signs from the next start of ota-service on; those before it stay published.

    Raises FileNotFoundError where there is no key yet.
    """
    newest = max((number for number, _ in _key_files(directory)), default=0)
    if newest == 0:
        raise FileNotFoundError(f"{directory} holds no manifest-signing-<number>.pem")
    path = directory / f"manifest-signing-{newest + 1}.pem"
    _write(path)
    return path


def _key_files(directory: Path) -> list[tuple[int, Path]]:
    matches = [(_FILE.fullmatch(path.name), path) for path in directory.iterdir()]
    return [(int(match[1]), path) for match, path in matches if match is not None]


def _read(path: Path) -> Ed25519PrivateKey | Ed25519PublicKey:
    text = path.read_bytes()
    key = load_pem_public_key(text) if b"PUBLIC KEY" in text else load_pem_private_key(text, password=None)
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise TypeError(f"{path.name} is not an Ed25519 key")
    return key


def _write(path: Path) -> None:
    write_new(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
