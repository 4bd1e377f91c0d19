"""What can go wrong with people."""

from shared.errors import DomainError


class UserNotFound(DomainError):
    """There is none of that id, or it is another organization's: the answer is the same."""

    status = 404
    code = "user_not_found"

    def __init__(self) -> None:
        super().__init__("user not found")


class EmailTaken(DomainError):
    """An e-mail address is a login, so it is unique on the whole platform."""

    status = 409
    code = "email_taken"

    def __init__(self) -> None:
        super().__init__("somebody signs in with this e-mail address already")
