"""What webhooks hear: every event of the platform that is news."""

from collections.abc import Sequence

from device_management.webhooks.service import WebhookService
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class WebhookConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the event's id, so it needs no inbox."""
        async with self._scopes() as scope:
            await scope.get(WebhookService).enqueue(envelopes)
