"""A snapshot as it is sent."""

from typing import Any

from pydantic import BaseModel


class Snapshot(BaseModel):
    """State from the store: telemetry and presence in the shapes of REST, all else as in their frames.

    A large fleet has several; `last` is true of the final one. Topics that were not asked for are empty.
    """

    telemetry: list[Any] = []
    presence: list[Any] = []
    updates: list[Any] = []
    alerts: list[Any] = []
    releases: list[Any] = []
    batches: list[Any] = []
    actions: list[Any] = []
    configuration: list[Any] = []
    last: bool = False
