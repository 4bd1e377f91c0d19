"""What can go wrong with alerts."""

from shared.errors import DomainError


class AlertNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "alert_not_found"

    def __init__(self) -> None:
        super().__init__("alert not found")


class AlertIsCleared(DomainError):
    """A cleared alert takes comments, and nothing else."""

    status = 409
    code = "alert_cleared"

    def __init__(self) -> None:
        super().__init__("the alert is cleared")


class TooManyComments(DomainError):
    """An alert has as many comments as it may have."""

    status = 409
    code = "too_many_comments"
