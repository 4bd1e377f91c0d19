"""The timer of mass configuration."""

import structlog

from device_management.mass_configuration.errors import StepFailed
from device_management.mass_configuration.service import JobService
from shared.http.scope import Scopes

_log = structlog.get_logger(__name__)


class JobSteps:
    SECONDS = 0.25

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """Steps, each a transaction of its own, until no job can be carried on now.

        One that fails holds up no other.
        """
        while await self._step():
            pass

    async def _step(self) -> bool:
        try:
            async with self._scopes() as scope:
                return await scope.get(JobService).step()
        except StepFailed as failed:
            _log.exception("configuration job put off", job_id=str(failed.job_id))
            async with self._scopes() as scope:
                await scope.get(JobService).put_off(failed.job_id)
            return True
