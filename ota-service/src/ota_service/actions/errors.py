"""Why an update action cannot be carried out."""

from shared.errors import DomainError


class FirmwareAmbiguous(DomainError):
    """Several firmware of this version fit the device."""

    status = 409
    code = "firmware_ambiguous"

    def __init__(self, version: str, names: list[str]) -> None:
        super().__init__(f"{', '.join(names)} have a version {version} that fits the device; name one by firmware_id")


class NoFirmwareNamed(DomainError):
    """An action that is an update names no firmware."""

    status = 422
    code = "no_firmware_named"

    def __init__(self) -> None:
        super().__init__("params need a firmware_id, or a version")


class DeviceNotCopied(DomainError):
    """The copy of the fleet does not know the device yet; it may come."""

    status = 409
    code = "device_not_copied"

    def __init__(self, uid: str) -> None:
        super().__init__(f"{uid} has not reached the copy of the fleet")
