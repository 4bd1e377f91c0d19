"""From a batch's row to the events about it, pure."""

from typing import TypeVar

from ota_service.batches.models import UpdateBatch
from ota_service.batches.states import BatchState, DeviceState
from shared.contracts import batches
from shared.contracts.batches import BatchState as BatchNews

E = TypeVar("E", bound=BatchNews)

_KINDS: dict[BatchState, type[BatchNews]] = {
    BatchState.IN_PROGRESS: batches.BatchStarted,
    BatchState.COMPLETED: batches.BatchCompleted,
    BatchState.FAILED: batches.BatchFailed,
    BatchState.CANCELLED: batches.BatchCancelled,
}


def become_event(batch: UpdateBatch) -> BatchNews:
    """The event that a batch has become what it is."""
    return state_event(_KINDS[BatchState(batch.state)], batch)


def state_event(kind: type[E], batch: UpdateBatch) -> E:
    """An event of `kind` with the batch's whole public state."""
    assert batch.id is not None  # noqa: S101 - it comes from the database
    counts = {str(state): getattr(batch, state) for state in DeviceState}
    return kind(
        organization_id=batch.organization_id,
        version=batch.version,
        batch_id=batch.id,
        name=batch.name,
        state=batch.state,
        release_ref=batch.release_ref,
        rollback_of=batch.rollback_of,
        total=sum(counts.values()),
        **counts,
        requested_by=batch.requested_by,
        requested_at=batch.requested_at,
        started_at=batch.started_at,
        updated_at=batch.updated_at,
        ended_at=batch.ended_at,
    )
