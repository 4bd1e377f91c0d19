"""The timer that carries resyncs on, in every worker."""

import structlog

from device_management.resync.errors import StepFailed
from device_management.resync.service import ResyncService
from shared.http.scope import Scopes

_log = structlog.get_logger(__name__)


class ResyncSteps:
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """One transaction a step, until there is nothing to do just now or one fails; the others go first then."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(ResyncService).step()
        except StepFailed as failed:
            _log.exception("resync put last", resync_id=failed.resync_id)
            async with self._scopes() as scope:
                await scope.get(ResyncService).put_last(failed.resync_id)
            return False
