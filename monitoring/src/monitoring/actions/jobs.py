"""What actions do by the clock."""

from monitoring.actions.service import ActionTracker


class ForgetActions:
    """Any number of workers may run it."""

    SECONDS = 3600.0

    def __init__(self, actions: ActionTracker) -> None:
        self._actions = actions

    async def __call__(self) -> None:
        await self._actions.forget()
