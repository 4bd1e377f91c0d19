"""What update sessions hear: devices that come and go."""

from collections.abc import Sequence

from ota_service.sessions.service import SessionService
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.http.scope import Scopes


class PresenceConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: presence has versions, and an announcement may be repeated."""
        news = [PresenceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(SessionService).follow(news)
