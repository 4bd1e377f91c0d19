"""What can go wrong with registration."""

from shared.errors import DomainError


class DeviceUidTaken(DomainError):
    """A uid is unique on the whole platform, whoever has it."""

    status = 409
    code = "device_uid_taken"

    def __init__(self, uid: str) -> None:
        super().__init__(f"the uid {uid} is taken; choose another, or leave it out to have one made")


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


class UnacceptableUid(DomainError):
    """The uid could not be a topic, a login and a part of paths."""

    status = 422
    code = "unacceptable_uid"
