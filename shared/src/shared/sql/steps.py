"""Work that many wait for and that goes on a step at a time: what fails holds up no other.

A step takes the one that has waited longest. When it fails nothing of it was done, its place in the order included: the
same one would be first again for ever. So it is put off.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

from shared.cancellation import is_cancelled
from shared.http.scope import Scopes
from shared.sql.unit_of_work import worth_repeating

PUT_OFF_S = 30.0
"""How long the others have before one that failed is tried again."""

_log = structlog.get_logger(__name__)


class StepFailed(Exception):
    """`subject`, an id, could not be carried on now: nothing of the step was done."""

    def __init__(self, subject: Any) -> None:
        super().__init__(f"{subject} could not be carried on")
        self.subject = subject


@contextmanager
def carrying_on(subject: Any) -> Generator[None]:
    """The step of one subject. Raises StepFailed, but what the same may get over at once as it is."""
    try:
        yield
    except Exception as error:
        if worth_repeating(error):
            raise
        raise StepFailed(subject) from error


class Stepped(Protocol):
    async def step(self) -> bool:
        """Carries on whatever has waited longest. False when there is none to carry on now. Raises StepFailed."""
        ...

    async def put_off(self, subject: Any, seconds: float) -> None:
        """Leaves it aside for so long."""
        ...


class Steps:
    """A timer: steps, each a transaction of its own, until there is none to make. Any number of workers may run it."""

    def __init__(self, scopes: Scopes, service: type[Stepped]) -> None:
        self._scopes = scopes
        self._service = service

    async def __call__(self) -> None:
        while not is_cancelled() and await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(self._service).step()
        except StepFailed as failed:
            _log.exception("put off", by=self._service.__name__, subject=str(failed.subject))
            async with self._scopes() as scope:
                await scope.get(self._service).put_off(failed.subject, PUT_OFF_S)
            return True
