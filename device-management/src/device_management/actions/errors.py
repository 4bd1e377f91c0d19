"""What can go wrong with actions."""

from shared.errors import DomainError


class ActionNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "action_not_found"

    def __init__(self) -> None:
        super().__init__("action not found")


class BulkActionNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "bulk_action_not_found"

    def __init__(self) -> None:
        super().__init__("bulk action not found")


class WrongTransition(DomainError):
    """The table of states does not have this way."""

    status = 409
    code = "wrong_transition"

    def __init__(self, present: str, wanted: str) -> None:
        super().__init__(f"an action that is {present} cannot become {wanted}", state=present)


class TooManyDevices(DomainError):
    """More devices than one call may ask."""

    status = 413
    code = "too_many_devices"

    def __init__(self, most: int) -> None:
        super().__init__(f"one call asks at most {most} devices; narrow the query or the group", most=most)
