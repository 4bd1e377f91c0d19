"""The timer of releases."""

import structlog

from ota_service.waves.errors import StepFailed
from ota_service.waves.service import WaveService
from shared.http.scope import Scopes

_log = structlog.get_logger(__name__)


class ReleaseSteps:
    """Any number of workers may run it: a release is stepped by one of them at a time."""

    SECONDS = 0.5

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """Steps, each a transaction of its own, until no release can go on now. One that fails holds up no other."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(WaveService).step()
        except StepFailed as failed:
            _log.exception("release put off", release_id=failed.release_id)
            async with self._scopes() as scope:
                await scope.get(WaveService).put_off(failed.release_id)
            return True
