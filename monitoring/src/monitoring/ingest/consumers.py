"""Where telemetry comes in."""

from collections.abc import Sequence

from monitoring.ingest.service import IngestService
from shared.messaging.deliveries import Delivery, Rejected


class TelemetryConsumer:
    def __init__(self, ingest: IngestService) -> None:
        self._ingest = ingest

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """Taking a batch again changes nothing. Raises StoreAway, and the batch stays where it is."""
        return await self._ingest.take(deliveries)
