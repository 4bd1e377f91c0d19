"""What is heard of canaries: monitoring's verdicts."""

from collections.abc import Sequence

from ota_service.canaries.service import CanaryService
from shared.contracts.canaries import CanaryJudged
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class CanaryConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: a question takes one answer. Releases go on by it with their next step."""
        async with self._scopes() as scope:
            # In the order of the questions, so that two workers never wait for each other in a circle.
            for judged in sorted(map(CanaryJudged.of, envelopes), key=lambda judged: judged.canary_id):
                await scope.get(CanaryService).take(judged)
