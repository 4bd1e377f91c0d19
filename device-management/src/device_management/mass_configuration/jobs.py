"""The timer of mass configuration."""

import asyncio
from contextlib import suppress

from device_management.mass_configuration.service import JobService
from shared.http.scope import Scopes
from shared.precedence import Precedence
from shared.sql.steps import Steps


class JobSteps(Steps):
    SECONDS = 0.25

    def __init__(self, scopes: Scopes, precedence: Precedence) -> None:
        super().__init__(scopes, JobService)
        self._precedence = precedence
        self._woken = asyncio.Event()

    async def __call__(self) -> None:
        """Goes first: devices that wait to be asked come before the answers of those that were."""
        self._woken.clear()
        with self._precedence.taken():
            await super().__call__()

    def wake(self) -> None:
        """Ends a rest: a job has begun, or goes on."""
        self._woken.set()

    async def rest(self, seconds: float) -> None:
        """Until there is a job to carry on, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
