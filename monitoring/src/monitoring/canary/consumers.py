"""What is heard of canaries: that a wave is to be watched."""

from collections.abc import Sequence

from monitoring.canary.service import CanaryService
from shared.contracts.envelope import Envelope
from shared.contracts.releases import ReleaseCanaryRequested


class CanaryConsumer:
    def __init__(self, canaries: CanaryService) -> None:
        self._canaries = canaries

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: a question is one document, by its id."""
        for envelope in envelopes:
            await self._canaries.watch(ReleaseCanaryRequested.of(envelope))
