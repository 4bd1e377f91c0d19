"""What update sessions hear: devices that connect, and actions that are updates."""

from collections.abc import Sequence

from ota_service.sessions.service import SessionService
from shared.contracts.actions import ActionStarted, ActionState
from shared.contracts.envelope import Envelope
from shared.contracts.presence import PresenceState
from shared.http.scope import Scopes


class PresenceConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: an announcement may be repeated."""
        news = [PresenceState.of(envelope) for envelope in envelopes]
        async with self._scopes() as scope:
            await scope.get(SessionService).devices_connected(news)


class ActionConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Needs no inbox: an action has one session at the most.

        One unit each, for opening a session locks its device: two workers with the same devices would wait in a circle.
        """
        for envelope in envelopes:
            order = ActionState.of(envelope)
            async with self._scopes() as scope:
                sessions = scope.get(SessionService)
                if envelope.type == ActionStarted.type:
                    await sessions.carry_out(order)
                else:
                    await sessions.drop(order)
