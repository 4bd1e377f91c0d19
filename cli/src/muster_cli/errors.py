"""What can go wrong for a person at the command line: one line each, with the next step, and an exit code."""

from collections.abc import Sequence
from typing import ClassVar


class CommandError(Exception):
    """`message` says what is wrong, `next_step` what to do about it. The process ends with `exit_code`."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, next_step: str | None = None) -> None:
        line = f"{message}; {next_step}" if next_step else message
        super().__init__(" ".join(line.split()))


class Refused(CommandError):
    """The platform understood and said no. `code` is the stable word of its problem document.

    `place` is the path to the member of the body that is wrong, where it is one.
    """

    def __init__(
        self, status: int, code: str, message: str, next_step: str | None = None, *, place: Sequence[str] = ()
    ) -> None:
        super().__init__(f"{message} ({code})", next_step)
        self.status = status
        self.code = code
        self.place = place

    def within(self, where: str) -> "Refused":
        """The same, with the place in a person's own file before it."""
        self.args = (f"{where}: {self}",)
        return self


class BadUsage(CommandError):
    """The command cannot start as it was given: an argument or a setting is missing or wrong."""

    exit_code = 2


class Unreachable(CommandError):
    """Nothing answers, or what answers is not ready: the same command may succeed later."""

    exit_code = 3
