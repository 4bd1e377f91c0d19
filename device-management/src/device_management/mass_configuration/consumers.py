"""What mass configuration hears: the ends of actions that its items asked for, and of devices."""

from collections.abc import Sequence

from device_management.configuration.service import ConfigurationService
from device_management.mass_configuration.schemas import Outcome
from device_management.mass_configuration.service import JobService
from device_management.mass_configuration.states import ItemState
from shared.contracts.actions import ActionState
from shared.contracts.devices import DevicePurged
from shared.contracts.envelope import Envelope
from shared.http.scope import Scopes


class EndConsumer:
    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by the items' states, so it needs no inbox."""
        purged = [DevicePurged.of(envelope).device_id for envelope in envelopes if envelope.type == DevicePurged.type]
        ended = [ActionState.of(envelope) for envelope in envelopes if envelope.type != DevicePurged.type]
        outcomes = [
            Outcome(action.bulk_id, action.device_uid, _STATES.get(action.state, ItemState.FAILED), _reason(action))
            for action in ended
            if action.bulk_id is not None
        ]
        async with self._scopes() as scope:
            await scope.get(JobService).hear(outcomes)
            await scope.get(ConfigurationService).forget(purged)


_STATES = {"completed": ItemState.SUCCEEDED, "cancelled": ItemState.CANCELLED}


def _reason(action: ActionState) -> str | None:
    if action.state == "completed":
        return None
    return action.error or f"the action was {action.state.replace('_', ' ')}"
