"""What is heard of updates: every event that carries a session's state."""

from collections.abc import Sequence

from monitoring.updates.service import UpdateTracker
from shared.contracts.envelope import Envelope
from shared.contracts.updates import UpdateSessionState


class UpdateConsumer:
    def __init__(self, updates: UpdateTracker) -> None:
        self._updates = updates

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by counters and versions, so it needs no inbox."""
        await self._updates.follow([UpdateSessionState.of(envelope) for envelope in envelopes])
