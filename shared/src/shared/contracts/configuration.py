"""Events about configurations and jobs that configure many devices, published by device-management."""

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
    ended_at: datetime | None = None
    updated_at: datetime

    def subject(self) -> str:
        return f"configuration_job/{self.job_id}"


class ConfigurationJobStarted(ConfigurationJobState):
    """Also when it runs again for what failed."""

    type = "configuration_job.started.v1"


class ConfigurationJobProgressed(ConfigurationJobState):
    """Its counts have changed; at most one a second."""

    type = "configuration_job.progressed.v1"


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


class ConfigurationJobSnapshot(ConfigurationJobState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "configuration_job.snapshot.v1"


class ConfigurationState(EventData):
    """How the configuration of a device stands. What it is set to and what it reports stays in the store.

    `version` counts changes of either side, `desired_version` those of what the device is to be set to.
    """

    type: ClassVar[str]

    device_uid: str
    desired_version: int
    drift: int | None = None
    """How many members differ; None until the device has reported."""
    reported_at: datetime | None = None
    updated_at: datetime

    def subject(self) -> str:
        return f"configuration/{self.device_uid}"


class ConfigurationChanged(ConfigurationState):
    """A person set what the device is to be set to. A job that sets many tells of itself and of its actions instead."""

    type = "configuration.changed.v1"


class ConfigurationReported(ConfigurationState):
    """The device reports another configuration than before."""

    type = "configuration.reported.v1"


class ConfigurationSnapshot(ConfigurationState):
    """Not a change: the present state, sent again so that a copy can be rebuilt."""

    type = "configuration.snapshot.v1"
