"""What can go wrong with devices."""

from shared.errors import DomainError


class DeviceNotFound(DomainError):
    """There is none of that id or uid, or it is not the caller's: the answer is the same."""

    status = 404
    code = "device_not_found"

    def __init__(self) -> None:
        super().__init__("device not found")


class DeviceUidTaken(DomainError):
    """A uid is unique on the whole platform, whoever has it."""

    status = 409
    code = "device_uid_taken"

    def __init__(self, uid: str) -> None:
        super().__init__(f"the uid {uid} is taken; choose another, or leave it out to have one made")


class DeviceIsRetired(DomainError):
    """A retired device takes part in nothing any more."""

    status = 409
    code = "device_retired"

    def __init__(self) -> None:
        super().__init__("the device is retired")


class DeviceUidRepeated(DomainError):
    """One call names it more than once; the first is registered."""

    status = 409
    code = "device_uid_taken"

    def __init__(self, uid: str) -> None:
        super().__init__(f"the uid {uid} comes more than once in this call")


class BatchTooLarge(DomainError):
    status = 413
    code = "batch_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"one call takes at most {limit} devices; import more as a file", limit=limit)


class WrongTransition(DomainError):
    """The table of states does not have this way."""

    status = 409
    code = "wrong_transition"

    def __init__(self, present: str, wanted: str) -> None:
        super().__init__(f"a device that is {present} cannot become {wanted}", lifecycle=present)


class UnacceptableAttributes(DomainError):
    """What a merge patch would make of the attributes is too large or too deep."""

    status = 422
    code = "unacceptable_attributes"


class UnacceptableUid(DomainError):
    """The uid could not be a topic, a login and a part of paths."""

    status = 422
    code = "unacceptable_uid"
