"""Why a live connection is told no."""

from shared.errors import DomainError


class BadRequest(DomainError):
    """The event's payload does not have the shape of its verb."""

    status = 422
    code = "validation_failed"


class TooManyDevices(DomainError):
    """One connection watches a bounded number of single devices; the whole organization counts as none."""

    status = 422
    code = "too_many_devices"


class TooManyGroups(DomainError):
    """One connection watches a bounded number of groups."""

    status = 422
    code = "too_many_groups"


class TopicNotAllowed(DomainError):
    """The token lacks the scope of a topic."""

    status = 403
    code = "forbidden"


class AnotherPerson(DomainError):
    """A connection stays with the person who opened it."""

    status = 403
    code = "forbidden"

    def __init__(self) -> None:
        super().__init__("the token is another person's; connect anew")


class NotConnected(DomainError):
    """The connection ended before its event was handled."""

    status = 409
    code = "not_connected"

    def __init__(self) -> None:
        super().__init__("the connection has ended")
