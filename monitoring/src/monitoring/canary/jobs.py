"""What canaries do by the clock."""

from monitoring.canary.service import CanaryService


class JudgeCanaries:
    """Any number of workers may run it: a question takes one answer."""

    SECONDS = 1.0

    def __init__(self, canaries: CanaryService) -> None:
        self._canaries = canaries

    async def __call__(self) -> None:
        await self._canaries.judge_due()
