"""What webhooks hear: every event of the platform that is news."""

from collections.abc import Sequence

from device_management.webhooks.service import WebhookService
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes
from shared.precedence import Precedence


class WebhookConsumer:
    """What goes first by `precedence` goes before it, for a moment each time."""

    def __init__(self, scopes: Scopes, precedence: Precedence) -> None:
        self._scopes = scopes
        self._precedence = precedence

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the event's id, so it needs no inbox."""
        await self._precedence.give_way()
        async with self._scopes() as scope:
            await scope.get(WebhookService).enqueue(envelopes)
