"""What can go wrong with groups."""

from collections.abc import Sequence

from device_management.devices.errors import NoSuchGroup
from shared.errors import DomainError

_NAMED = 50


class GroupNotFound(NoSuchGroup):
    """There is none of that id, or it is not the caller's: the answer is the same."""


class GroupNameTaken(DomainError):
    """A name is unique within an organization."""

    status = 409
    code = "group_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a group named {name} already")


class WrongGroupKind(DomainError):
    """A query finds its members by itself, and a fixed group has no query."""

    status = 409
    code = "wrong_group_kind"


class UnknownDevices(DomainError):
    """Some of the named devices are not there; none was added. `unknown` names the first of them."""

    status = 422
    code = "unknown_devices"

    def __init__(self, unknown: Sequence[str]) -> None:
        super().__init__(f"{len(unknown)} of the devices are not there; nothing was changed", unknown=unknown[:_NAMED])
