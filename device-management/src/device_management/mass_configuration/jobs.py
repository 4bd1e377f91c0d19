"""The timer of mass configuration."""

from device_management.mass_configuration.service import JobService
from shared.http.scope import Scopes
from shared.sql.steps import Steps


class JobSteps(Steps):
    SECONDS = 0.25

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes, JobService)
