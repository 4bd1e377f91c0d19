"""What is heard of actions and configurations: every event that carries the state of one."""

from collections.abc import Sequence

from monitoring.actions.service import ActionTracker
from shared.contracts import catalog
from shared.contracts.actions import ActionState
from shared.contracts.configuration import ConfigurationState
from shared.contracts.envelope import Envelope


class ActionConsumer:
    def __init__(self, actions: ActionTracker) -> None:
        self._actions = actions

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by versions, so it needs no inbox."""
        states = [catalog.BY_TYPE[envelope.type].of(envelope) for envelope in envelopes]
        await self._actions.follow([state for state in states if isinstance(state, ActionState | ConfigurationState)])
