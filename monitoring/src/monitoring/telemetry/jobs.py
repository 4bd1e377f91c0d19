"""What telemetry does by the clock."""

from monitoring.telemetry.service import TelemetryService


class FoldNews:
    SECONDS = 5.0

    def __init__(self, telemetry: TelemetryService) -> None:
        self._telemetry = telemetry

    async def __call__(self) -> None:
        await self._telemetry.fold_news()


class DropPastDays:
    SECONDS = 3_600.0

    def __init__(self, telemetry: TelemetryService) -> None:
        self._telemetry = telemetry

    async def __call__(self) -> None:
        await self._telemetry.drop_past()
