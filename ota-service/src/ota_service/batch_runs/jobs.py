"""The timer of batches."""

import structlog

from ota_service.batch_runs.errors import StepFailed
from ota_service.batch_runs.service import BatchRunService
from shared.http.scope import Scopes

_log = structlog.get_logger(__name__)


class BatchSteps:
    SECONDS = 0.25

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """Steps, each a transaction of its own, until no batch can be carried on now.

        One that fails holds up no other.
        """
        while await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(BatchRunService).step()
        except StepFailed as failed:
            _log.exception("batch put off", batch_id=failed.batch_id)
            async with self._scopes() as scope:
                await scope.get(BatchRunService).put_off(failed.batch_id)
            return True
