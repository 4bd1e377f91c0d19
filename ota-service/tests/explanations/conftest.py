"""The releases of the releases' tests."""

from ..waves.conftest import (
    act,
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
