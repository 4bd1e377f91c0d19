"""What can go wrong with the copy of the fleet."""

from shared.errors import DomainError


class DeviceNotFound(DomainError):
    """The copy has none of that uid (yet), or it is not the caller's: the answer is the same."""

    status = 404
    code = "device_not_found"

    def __init__(self) -> None:
        super().__init__("device not found")


class GroupNotFound(DomainError):
    """The copy has no such group (yet, or any more), or it is not the caller's: the answer is the same."""

    status = 404
    code = "group_not_found"

    def __init__(self) -> None:
        super().__init__("group not found")


class DeviceTokenRevoked(DomainError):
    """The device's token is older than the oldest generation that still counts."""

    status = 401
    code = "unauthenticated"

    def __init__(self) -> None:
        super().__init__("the device's token was revoked", headers={"WWW-Authenticate": "Bearer"})
