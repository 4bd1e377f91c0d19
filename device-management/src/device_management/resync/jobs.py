"""The timer that carries resyncs on, in every worker."""

from device_management.resync.service import ResyncService
from shared.http.scope import Scopes


class ResyncSteps:
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """One transaction a step, until there is nothing to do just now."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        async with self._scopes() as scope:
            return await scope.get(ResyncService).step()
