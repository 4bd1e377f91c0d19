"""The timer of batches."""

from ota_service.batch_runs.service import BatchRunService
from shared.http.scope import Scopes
from shared.sql.steps import Steps


class BatchSteps(Steps):
    SECONDS = 0.25

    def __init__(self, scopes: Scopes) -> None:
        super().__init__(scopes, BatchRunService)
