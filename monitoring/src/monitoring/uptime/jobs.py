"""What uptime does by the clock."""

from monitoring.uptime.service import UptimeService


class ForgetChanges:
    """Any number of workers may run it."""

    SECONDS = 3600.0

    def __init__(self, uptime: UptimeService) -> None:
        self._uptime = uptime

    async def __call__(self) -> None:
        await self._uptime.forget()
