"""What telemetry does by the clock."""

from monitoring.telemetry.service import TelemetryService
from shared.mongo.lease import Lease


class FoldNews:
    """One worker at a time, which only spares work: two that fold the same news write the same."""

    SECONDS = 5.0

    def __init__(self, telemetry: TelemetryService, lease: Lease) -> None:
        self._telemetry = telemetry
        self._lease = lease

    async def __call__(self) -> None:
        if await self._lease.hold():
            await self._telemetry.fold_news()


class DropPastDays:
    SECONDS = 3_600.0

    def __init__(self, telemetry: TelemetryService) -> None:
        self._telemetry = telemetry

    async def __call__(self) -> None:
        await self._telemetry.drop_past()
