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


class DeviceRetired(DomainError):
    """A retired device takes part in nothing any more."""

    status = 409
    code = "device_retired"

    def __init__(self) -> None:
        super().__init__("the device is retired")


class UnacceptableUid(DomainError):
    """The uid could not be a topic, a login and a part of paths."""

    status = 422
    code = "unacceptable_uid"
