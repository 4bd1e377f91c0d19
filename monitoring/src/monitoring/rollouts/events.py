"""From the events of releases, batches and jobs to the live items about them, pure."""

from monitoring.rollouts.models import Rollout, RolloutItem
from shared.contracts.batches import BatchState
from shared.contracts.configuration import ConfigurationJobState
from shared.contracts.live import BatchItem, ConfigurationJobItem, ReleaseItem, live_item
from shared.contracts.releases import ReleaseState

RolloutState = ReleaseState | BatchState | ConfigurationJobState


def rollout_of(state: RolloutState) -> Rollout:
    return Rollout(state.organization_id, live_item(_kind(state), state))


def _kind(state: RolloutState) -> type[RolloutItem]:
    match state:
        case ReleaseState():
            return ReleaseItem
        case BatchState():
            return BatchItem
        case ConfigurationJobState():
            return ConfigurationJobItem
