"""Events about jobs that configure many devices, published by device-management."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class ConfigurationJobState(EventData):
    """A job with how far it is: `total` items, of which so many are in each state."""

    type: ClassVar[str]

    job_id: str
    run_id: str
    state: str
    total: int
    pending: int
    dispatched: int
    succeeded: int
    failed: int
    cancelled: int
    requested_by: str
    requested_at: datetime
    updated_at: datetime

    def subject(self) -> str:
        return f"configuration_job/{self.job_id}"


class ConfigurationJobStarted(ConfigurationJobState):
    """Also when it runs again for what failed."""

    type = "configuration_job.started.v1"


class ConfigurationJobPaused(ConfigurationJobState):
    type = "configuration_job.paused.v1"


class ConfigurationJobResumed(ConfigurationJobState):
    type = "configuration_job.resumed.v1"


class ConfigurationJobCompleted(ConfigurationJobState):
    """Every item has ended, well or not."""

    type = "configuration_job.completed.v1"


class ConfigurationJobCancelled(ConfigurationJobState):
    """What had not begun will not; what has, ends by itself."""

    type = "configuration_job.cancelled.v1"
