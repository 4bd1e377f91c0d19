"""The timer that carries imports on, in every worker."""

from device_management.imports.service import ChunkFailed, ImportService
from shared.http.scope import Scopes


class ImportSteps:
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """One transaction a chunk, until there is nothing to do just now. Killed in one, nothing of it was done."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(ImportService).step()
        except ChunkFailed as failed:
            async with self._scopes() as scope:
                await scope.get(ImportService).note_failure(failed)
            raise
