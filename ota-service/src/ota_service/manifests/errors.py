"""What can be wrong with what devices are to be given."""

from shared.errors import DomainError


class FirmwareNamedTwice(DomainError):
    """A bundle has one version of each firmware."""

    status = 422
    code = "firmware_named_twice"

    def __init__(self, name: str) -> None:
        super().__init__(f"the bundle has {name} twice")


class FloorUnknown(DomainError):
    """A version floor names a firmware that there is none of, so nothing tells which versions are above it."""

    status = 422
    code = "floor_unknown"

    def __init__(self, name: str, version: str) -> None:
        super().__init__(f"there is no {name} {version}, below which a device may not be")
