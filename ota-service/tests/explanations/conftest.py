"""The releases of the releases' tests."""

from ..waves.conftest import (
    act,
    add_devices,
    add_firmware,
    connect,
    deadlines,
    device,
    document,
    draw_up,
    finish,
    firmware,
    look,
    open_sessions,
    person,
    started,
    steps,
)

__all__ = [
    "act",
    "add_devices",
    "add_firmware",
    "connect",
    "deadlines",
    "device",
    "document",
    "draw_up",
    "finish",
    "firmware",
    "look",
    "open_sessions",
    "person",
    "started",
    "steps",
]
