"""What can go wrong with devices."""

from shared.errors import DomainError


class DeviceNotFound(DomainError):
    """There is none of that id or uid, or it is not the caller's: the answer is the same."""

    status = 404
    code = "device_not_found"

    def __init__(self) -> None:
        super().__init__("device not found")


class NoSuchGroup(DomainError):
    """The group that devices are looked for in is not there, or it is not the caller's: the answer is the same."""

    status = 404
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("group not found")


class DeviceIsRetired(DomainError):
    """A retired device takes part in nothing any more."""

    status = 409
    code = "device_retired"

    def __init__(self) -> None:
        super().__init__("the device is retired")


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
