"""From the events of releases, batches and jobs to the live items about them, pure."""

from monitoring.rollouts.models import Rollout
from shared.contracts.batches import BatchState
from shared.contracts.configuration import ConfigurationJobState
from shared.contracts.live import (
    BatchItem,
    ConfigurationJobItem,
    ReleaseItem,
    WaveItem,
    instant,
    instant_or_none,
)
from shared.contracts.releases import ReleaseState

RolloutState = ReleaseState | BatchState | ConfigurationJobState


def rollout_of(state: RolloutState) -> Rollout:
    match state:
        case ReleaseState():
            return Rollout(state.organization_id, _release(state))
        case BatchState():
            return Rollout(state.organization_id, _batch(state))
        case ConfigurationJobState():
            return Rollout(state.organization_id, _job(state))


def _release(state: ReleaseState) -> ReleaseItem:
    return ReleaseItem(
        release_id=state.release_id,
        slug=state.slug,
        name=state.name,
        version=state.version,
        state=state.state,
        reason=state.reason,
        detail=state.detail,
        wave=state.wave,
        waves=[WaveItem(**wave.model_dump()) for wave in state.waves],
        created_by=state.created_by,
        created_at=instant(state.created_at),
        start_at=instant_or_none(state.start_at),
        started_at=instant_or_none(state.started_at),
        ended_at=instant_or_none(state.ended_at),
        updated_at=instant(state.updated_at),
    )


def _batch(state: BatchState) -> BatchItem:
    return BatchItem(
        batch_id=state.batch_id,
        name=state.name,
        version=state.version,
        state=state.state,
        release_ref=state.release_ref,
        rollback_of=state.rollback_of,
        total=state.total,
        pending=state.pending,
        initiated=state.initiated,
        succeeded=state.succeeded,
        failed=state.failed,
        skipped=state.skipped,
        cancelled=state.cancelled,
        requested_by=state.requested_by,
        requested_at=instant(state.requested_at),
        started_at=instant_or_none(state.started_at),
        ended_at=instant_or_none(state.ended_at),
        updated_at=instant(state.updated_at),
    )


def _job(state: ConfigurationJobState) -> ConfigurationJobItem:
    return ConfigurationJobItem(
        job_id=state.job_id,
        run_id=state.run_id,
        version=state.version,
        state=state.state,
        total=state.total,
        pending=state.pending,
        dispatched=state.dispatched,
        succeeded=state.succeeded,
        failed=state.failed,
        cancelled=state.cancelled,
        requested_by=state.requested_by,
        requested_at=instant(state.requested_at),
        ended_at=instant_or_none(state.ended_at),
        updated_at=instant(state.updated_at),
    )
