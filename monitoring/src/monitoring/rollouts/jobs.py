"""What rollouts do by the clock."""

from monitoring.rollouts.service import RolloutTracker


class ForgetRollouts:
    """Any number of workers may run it."""

    SECONDS = 3600.0

    def __init__(self, rollouts: RolloutTracker) -> None:
        self._rollouts = rollouts

    async def __call__(self) -> None:
        await self._rollouts.forget()
