"""What can go wrong with keys."""

from shared.errors import DomainError


class KeyNotFound(DomainError):
    """There is none of that id, or it is not the caller's to see: the answer is the same."""

    status = 404
    code = "key_not_found"

    def __init__(self) -> None:
        super().__init__("key not found")
