"""What can go wrong with an update session."""

from shared.errors import DomainError


class SessionNotFound(DomainError):
    """There is none of that id, or it is another device's or organization's: the answer is the same."""

    status = 404
    code = "update_session_not_found"

    def __init__(self) -> None:
        super().__init__("update session not found")


class PartNotFound(DomainError):
    """A session's parts are counted from 1 on."""

    status = 404
    code = "update_part_not_found"

    def __init__(self) -> None:
        super().__init__("the update has no such part")


class SessionOpen(DomainError):
    """A device has one open session at a time."""

    status = 409
    code = "update_session_open"

    def __init__(self, session_id: str | None) -> None:
        """`session_id` is None when that one has ended in the meantime."""
        super().__init__(
            "the device is being updated already; wait for that session or cancel it", session_id=session_id
        )


class SessionHeld(DomainError):
    """Nothing of an update is given out before there is consent to it."""

    status = 409
    code = "update_session_held"

    def __init__(self) -> None:
        super().__init__("the session is held: it waits for consent")


class SessionEnded(DomainError):
    """The file of a session is there as long as the session is open."""

    status = 409
    code = "update_session_ended"

    def __init__(self, state: str) -> None:
        super().__init__(f"the session has ended: it is {state}", state=state)


class WrongTransition(DomainError):
    """The report does not fit the session's state; it is kept in the history all the same."""

    status = 409
    code = "wrong_transition"
    keeps_changes = True

    def __init__(self, state: str, target: str) -> None:
        super().__init__(f"a session that is {state} does not become {target}", state=state)
        self.target = target


class DeviceNotUpdatable(DomainError):
    """The device may not be updated, or not with this firmware; `reason` is a word for programs."""

    status = 409
    code = "device_not_updatable"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)
