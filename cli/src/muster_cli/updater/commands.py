"""What arrives on `devices/<uid>/commands`."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError

_REMEMBERED = 8


class Command(BaseModel):
    """`id` stays the same when the platform sends it again."""

    id: str
    type: str
    params: dict[str, Any] = {}
    deadline: AwareDatetime | None = None


def read_command(payload: bytes) -> Command | None:
    """The command, or None for what is none."""
    try:
        return Command.model_validate_json(payload)
    except ValidationError:
        return None


class CommandInbox:
    """Tells repeats of the last few commands."""

    __slots__ = ("_heard",)

    def __init__(self) -> None:
        self._heard: tuple[str, ...] = ()

    def first_time(self, command: Command) -> bool:
        if command.id in self._heard:
            return False
        self._heard = (*self._heard[1 - _REMEMBERED :], command.id)
        return True
