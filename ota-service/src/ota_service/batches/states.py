"""The states of a batch and of each device in it, and every transition there is."""

from enum import StrEnum


class BatchState(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({BatchState.COMPLETED, BatchState.FAILED, BatchState.CANCELLED})

TRANSITIONS: dict[BatchState, frozenset[BatchState]] = {
    BatchState.PENDING: frozenset({BatchState.IN_PROGRESS, BatchState.CANCELLED}),
    BatchState.IN_PROGRESS: ENDED,
    **{state: frozenset({BatchState.IN_PROGRESS}) for state in ENDED},
}
"""A batch that has ended goes on when what failed is retried, or when devices come to it."""


class DeviceState(StrEnum):
    """`initiated` while the device's session is open."""

    PENDING = "pending"
    INITIATED = "initiated"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


DEVICE_TRANSITIONS: dict[DeviceState, frozenset[DeviceState]] = {
    DeviceState.PENDING: frozenset(
        {DeviceState.INITIATED, DeviceState.FAILED, DeviceState.SKIPPED, DeviceState.CANCELLED}
    ),
    DeviceState.INITIATED: frozenset(
        {DeviceState.SUCCEEDED, DeviceState.FAILED, DeviceState.CANCELLED, DeviceState.PENDING}
    ),
    DeviceState.FAILED: frozenset({DeviceState.PENDING}),
    **{state: frozenset() for state in (DeviceState.SUCCEEDED, DeviceState.SKIPPED, DeviceState.CANCELLED)},
}
"""From `initiated` back to `pending`: the maintenance window closed before the device was done."""


def may_become(state: BatchState, target: BatchState) -> bool:
    return target in TRANSITIONS[state]
