"""What presence hears: the broker's own events about connections, in order."""

from collections.abc import Sequence

from monitoring.presence.service import PresenceTracker
from shared.messaging.deliveries import Delivery, Rejected


class ConnectionConsumer:
    def __init__(self, tracker: PresenceTracker) -> None:
        self._tracker = tracker

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Rejected]:
        """Idempotent by the fence. Raises StoreAway, and the batch stays where it is."""
        return await self._tracker.take(deliveries)
