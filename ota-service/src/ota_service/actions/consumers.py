"""What update actions hear: that one has begun, or has ended before its session."""

from collections.abc import Sequence

from ota_service.actions.service import ActionService
from shared.contracts.actions import ActionStarted, ActionState
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


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
                actions = scope.get(ActionService)
                if envelope.type == ActionStarted.type:
                    await actions.carry_out(order)
                else:
                    await actions.drop(order)
