"""The timer that carries resyncs on, in every worker."""

from device_management.resync.service import ResyncService
from shared.http.scope import Scopes
from shared.sql.steps import Steps


class ResyncSteps(Steps):
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes, ResyncService)
