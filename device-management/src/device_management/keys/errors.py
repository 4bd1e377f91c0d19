"""What can go wrong with keys."""

from shared.errors import DomainError


class KeyNotFound(DomainError):
    """There is none of that id, or it is not the caller's to see: the answer is the same."""

    status = 404
    code = "key_not_found"

    def __init__(self) -> None:
        super().__init__("key not found")


class KeysMakeNoKeys(DomainError):
    """Else what a key has made would outlive it, and its revocation."""

    status = 403
    code = "keys_make_no_keys"

    def __init__(self) -> None:
        super().__init__("an API key makes no API keys: sign in with a password")
