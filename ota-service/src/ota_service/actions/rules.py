"""Which firmware an update action means by a version, and why none. Pure."""

from collections.abc import Sequence

from ota_service.firmware.models import Firmware
from ota_service.firmware.states import FirmwareState


def fitting(known: Sequence[Firmware], hardware_version: str | None) -> list[Firmware]:
    """Those that are approved and fit the hardware."""
    return [one for one in known if one.state == FirmwareState.APPROVED and one.fits(hardware_version)]


def why_none(version: str, known: Sequence[Firmware], hardware_version: str | None) -> str:
    """Why none of this version can be installed, which are all `known`, and what to do about it."""
    if not known:
        return f"there is no firmware of version {version}; upload and approve it, or name another version"
    fit = [one for one in known if one.fits(hardware_version)]
    if not fit:
        made_for = ", ".join(sorted({hardware for one in known for hardware in one.hardware_versions}))
        device = f"of hardware {hardware_version}" if hardware_version else "of no known hardware version"
        return f"{_names(known)} {version} is for {made_for}, and the device is {device}; upload one that is for it"
    if waiting := [one for one in fit if one.state != FirmwareState.WITHDRAWN]:
        return f"{_names(waiting)} {version} is not approved; approve it, and ask again"
    return f"{_names(fit)} {version} was withdrawn; name another version"


def _names(known: Sequence[Firmware]) -> str:
    return ", ".join(sorted({one.name for one in known}))
