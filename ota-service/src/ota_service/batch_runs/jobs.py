"""The timer of batches."""

from ota_service.batch_runs.service import BatchRunService
from shared.http.scope import Scopes


class BatchSteps:
    SECONDS = 0.25

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """Steps, each a transaction of its own, until no batch can be carried on now."""
        carried_on = True
        while carried_on:
            async with self._scopes() as scope:
                carried_on = await scope.get(BatchRunService).step()
