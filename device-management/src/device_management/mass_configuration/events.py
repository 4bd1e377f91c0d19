"""From a job's row to the events about it, pure."""

from collections.abc import Mapping
from typing import TypeVar

from device_management.mass_configuration.models import ConfigurationJob
from device_management.mass_configuration.states import ItemState
from shared.contracts.configuration import ConfigurationJobState

E = TypeVar("E", bound=ConfigurationJobState)


def state_event(kind: type[E], job: ConfigurationJob, counts: Mapping[ItemState, int]) -> E:
    """An event of `kind` with the job's whole public state."""
    return kind(
        organization_id=job.organization_id,
        version=job.version,
        job_id=str(job.id),
        run_id=str(job.run_id),
        state=job.state,
        total=sum(counts.values()),
        requested_by=job.requested_by,
        requested_at=job.requested_at,
        ended_at=job.ended_at,
        updated_at=job.updated_at,
        **{str(state): counts[state] for state in ItemState},
    )
