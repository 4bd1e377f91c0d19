"""The timer of actions, in every worker: deadlines, and attempts that are due again."""

from collections.abc import Awaitable, Callable

from device_management.actions.service import ActionService
from shared.http.scope import Scopes


class ActionTimer:
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """One transaction a step, until nothing is due."""
        while await self._step(lambda actions: actions.time_out()):
            pass
        while await self._step(lambda actions: actions.try_again()):
            pass

    async def _step(self, step: Callable[[ActionService], Awaitable[bool]]) -> bool:
        async with self._scopes() as scope:
            return await step(scope.get(ActionService))
