"""The timer of mass configuration."""

from device_management.mass_configuration.service import JobService
from shared.http.scope import Scopes
from shared.precedence import Precedence
from shared.sql.steps import Steps


class JobSteps(Steps):
    SECONDS = 0.25

    def __init__(self, scopes: Scopes, precedence: Precedence) -> None:
        super().__init__(scopes, JobService)
        self._precedence = precedence

    async def __call__(self) -> None:
        """Goes first: devices that wait to be asked come before the answers of those that were."""
        with self._precedence.taken():
            await super().__call__()
