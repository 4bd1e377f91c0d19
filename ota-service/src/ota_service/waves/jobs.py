"""The timer of releases."""

from ota_service.waves.service import WaveService
from shared.http.scope import Scopes
from shared.sql.steps import Steps


class ReleaseSteps(Steps):
    SECONDS = 0.5

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes, WaveService)
