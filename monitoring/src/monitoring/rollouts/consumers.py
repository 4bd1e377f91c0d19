"""What is heard of releases, batches and configuration jobs: every event that carries the state of one."""

from collections.abc import Sequence

from monitoring.rollouts.service import RolloutTracker
from shared.contracts import catalog
from shared.contracts.batches import BatchState
from shared.contracts.configuration import ConfigurationJobState
from shared.contracts.envelope import Envelope
from shared.contracts.releases import ReleaseState


class RolloutConsumer:
    def __init__(self, rollouts: RolloutTracker) -> None:
        self._rollouts = rollouts

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        """Idempotent by versions, so it needs no inbox."""
        states = [catalog.BY_TYPE[envelope.type].of(envelope) for envelope in envelopes]
        await self._rollouts.follow(
            [state for state in states if isinstance(state, ReleaseState | BatchState | ConfigurationJobState)]
        )
