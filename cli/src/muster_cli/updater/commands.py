"""What arrives on `devices/<uid>/commands`."""

from typing import Any

from pydantic import BaseModel, ValidationError

_REMEMBERED = 8


class Command(BaseModel):
    """`id` stays the same when the platform sends it again."""

    id: str
    type: str
    params: dict[str, Any] = {}


class CommandInbox:
    """Reads commands and drops repeats of the last few."""

    __slots__ = ("_heard",)

    def __init__(self) -> None:
        self._heard: tuple[str, ...] = ()

    def take(self, payload: bytes) -> Command | None:
        """The command, unless it was heard before or cannot be read."""
        try:
            command = Command.model_validate_json(payload)
        except ValidationError:
            return None
        if command.id in self._heard:
            return None
        self._heard = (*self._heard[1 - _REMEMBERED :], command.id)
        return command
