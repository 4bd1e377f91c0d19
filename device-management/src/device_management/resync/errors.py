"""What can go wrong with resyncs."""

from shared.errors import DomainError


class ResyncNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "resync_not_found"

    def __init__(self) -> None:
        super().__init__("resync not found")


class ResyncForbidden(DomainError):
    """The caller may not have these devices told again."""

    status = 403
    code = "forbidden"

    def __init__(self, scope: str) -> None:
        super().__init__(f"the token lacks the scope {scope}")
