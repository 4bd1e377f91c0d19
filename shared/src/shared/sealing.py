"""Secrets that must be read again, sealed at rest: a site's password, the secret of a webhook.

Fernet (AES-128-CBC with HMAC-SHA-256, from the `cryptography` package). The file holds one key a line: the first seals,
all of them open, so a new first line rotates. Losing the file loses the secrets and nothing else.
"""

import hmac
from contextlib import suppress
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.private_files import write_new

KEYS_FILE = "sealing-keys"


class CannotUnseal(Exception):
    """Sealed with a key that is not in the file any more."""


class Sealer:
    def __init__(self, keys: list[str]) -> None:
        self._keys = keys
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    @classmethod
    def load(cls, directory: Path) -> "Sealer":
        """Raises FileNotFoundError and ValueError when there is no key."""
        return cls((directory / KEYS_FILE).read_text().split())

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Raises CannotUnseal."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise CannotUnseal from None

    def fingerprints(self, text: str) -> list[str]:
        """By each key the HMAC-SHA-256 of `text`, in hex: the first to store, any of them to know the text again by.

        Unlike a bare hash it is no use for guessing what was in the text.
        """
        return [hmac.digest(key.encode(), text.encode(), "sha256").hex() for key in self._keys]


def create_sealing_key(directory: Path) -> None:
    """Makes the first key, unless there is one; only the owner may read it."""
    path = directory / KEYS_FILE
    directory.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        write_new(path, Fernet.generate_key() + b"\n")
