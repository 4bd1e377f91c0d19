"""Devices at sites, and clients for them."""

from ..sessions.conftest import add_devices, add_firmware, connect

__all__ = ["add_devices", "add_firmware", "connect"]
