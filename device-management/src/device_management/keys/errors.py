"""What can go wrong with keys."""

from collections.abc import Iterable

from shared.errors import DomainError


class KeyNotFound(DomainError):
    """There is none of that id, or it is not the caller's to see: the answer is the same."""

    status = 404
    code = "key_not_found"

    def __init__(self) -> None:
        super().__init__("key not found")


class ScopeNotHeld(DomainError):
    """Nobody grants what they do not hold."""

    status = 403
    code = "scope_not_held"

    def __init__(self, scopes: Iterable[str]) -> None:
        super().__init__(f"you do not hold {' '.join(scopes)}, so you cannot grant it")
