"""What can go wrong for a client of the Direct Device Integration."""

from shared.errors import DomainError


class NotAdmitted(DomainError):
    """No token, a wrong one, one of another device or organization, or a kind that the organization has switched off.

    Which of these it is nobody is told: the answer has no body.
    """

    status = 401
    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("", headers={"WWW-Authenticate": "TargetToken, GatewayToken"})


class TargetNotFound(DomainError):
    """The gateway's organization has no such device (yet)."""

    status = 404
    code = "target_not_found"

    def __init__(self) -> None:
        super().__init__("the organization has no such device")


class ActionNotFound(DomainError):
    """There is no such action of this device, or none that may be asked for like this."""

    status = 404
    code = "action_not_found"

    def __init__(self) -> None:
        super().__init__("the device has no such action")


class ActionGone(DomainError):
    """The action has ended; the report is kept all the same."""

    status = 410
    code = "action_gone"
    keeps_changes = True

    def __init__(self, state: str) -> None:
        super().__init__(f"the action is not active any more: it is {state}")


class ActionRefused(DomainError):
    """The report does not fit what the action is; it is kept all the same."""

    status = 409
    code = "action_refused"
    keeps_changes = True

    def __init__(self, state: str) -> None:
        super().__init__(f"the report does not fit an action that is {state}")


class NotBeingCancelled(DomainError):
    """Nobody has asked the device to cancel this action."""

    status = 405
    code = "not_being_cancelled"

    def __init__(self) -> None:
        super().__init__("the action is not being cancelled")


class TooManyReports(DomainError):
    status = 429
    code = "too_many_reports"

    def __init__(self, limit: int) -> None:
        super().__init__(f"an action takes at most {limit} reports")


class TooManyAttributes(DomainError):
    status = 429
    code = "too_many_attributes"

    def __init__(self, limit: int) -> None:
        super().__init__(f"a device has at most {limit} attributes")


class ArtifactNotFound(DomainError):
    """None of that name belongs to an open action of the device."""

    status = 404
    code = "artifact_not_found"

    def __init__(self) -> None:
        super().__init__("no open action of the device contains this artifact")


class NotAcceptable(DomainError):
    status = 406
    code = "not_acceptable"

    def __init__(self) -> None:
        super().__init__("the answer is application/hal+json or application/json, and Accept wants neither")


class UnsupportedMediaType(DomainError):
    status = 415
    code = "unsupported_media_type"

    def __init__(self) -> None:
        super().__init__("the body must be application/json or application/hal+json")


class UnreadableBody(DomainError):
    """Not JSON, or not of the shape that the path takes."""

    status = 400
    code = "unreadable_body"
