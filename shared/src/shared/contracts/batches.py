"""Events about batches of updates, published by ota-service."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class BatchState(EventData):
    """A batch with how far it is: `total` devices, of which so many are in each state.

    `release_ref` names what it is carried out for, and `rollback_of` the batch that it takes back, if any.
    """

    type: ClassVar[str]

    batch_id: int
    name: str
    state: str
    release_ref: str | None = None
    rollback_of: int | None = None
    total: int
    pending: int
    initiated: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int
    requested_by: str
    requested_at: datetime
    started_at: datetime | None = None
    updated_at: datetime
    ended_at: datetime | None = None

    def subject(self) -> str:
        return f"batch/{self.batch_id}"


class BatchCreated(BatchState):
    type = "batch.created.v1"


class BatchStarted(BatchState):
    """It is under way; once more when what failed is retried, or when devices came to it after its end."""

    type = "batch.started.v1"


class BatchProgressed(BatchState):
    """Its counts have changed; at most one a second."""

    type = "batch.progressed.v1"


class BatchCompleted(BatchState):
    type = "batch.completed.v1"


class BatchFailed(BatchState):
    """All of it has ended, some devices failed and none succeeded."""

    type = "batch.failed.v1"


class BatchCancelled(BatchState):
    type = "batch.cancelled.v1"


class BatchSnapshot(BatchState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "batch.snapshot.v1"
