"""The fleet and the firmware of the sessions' tests."""

from ..sessions.conftest import add_devices, add_firmware

__all__ = ["add_devices", "add_firmware"]
