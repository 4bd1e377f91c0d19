"""Events about update sessions, published by ota-service."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.envelope import EventData


class UpdateSessionState(EventData):
    """The whole public state of one update of one device.

    `counter` grows with every session there is, so of two sessions of a device the greater is the later one. From
    `flashed` on the device runs `firmware_version`; `completed` confirms it.
    """

    type: ClassVar[str]

    session_id: str
    device_uid: str
    firmware_id: int
    firmware_name: str
    firmware_version: str
    previous_version: str | None = None
    """What the device ran when the session began, as far as it was known."""
    state: str
    counter: int
    progress: int | None = None
    """Percent of the download, in steps of ten."""
    error: str | None = None
    deadline: datetime | None = None
    """When the session times out unless the device reports; None once it has ended."""
    action_id: int | None = None
    """The action that it carries out, of those that device-management began."""
    batch_id: int | None = None
    """The batch that it was opened for."""
    release: str | None = None
    """The slug of the release that it is part of, on the way there or back."""
    wave: str | None = None
    """The slug of that release's wave; None on the way back."""
    opened_at: datetime
    updated_at: datetime

    def subject(self) -> str:
        return f"update_session/{self.session_id}"


class UpdateSessionHeld(UpdateSessionState):
    """It was opened and waits for consent."""

    type = "update_session.held.v1"


class UpdateSessionInitiated(UpdateSessionState):
    type = "update_session.initiated.v1"


class UpdateSessionAcknowledged(UpdateSessionState):
    type = "update_session.acknowledged.v1"


class UpdateSessionDownloading(UpdateSessionState):
    type = "update_session.downloading.v1"


class UpdateSessionProgressed(UpdateSessionState):
    """Still downloading, and at least ten percent further."""

    type = "update_session.progressed.v1"


class UpdateSessionFlashed(UpdateSessionState):
    """Told once more when the device itself has said that it runs the new version, and a soak begins."""

    type = "update_session.flashed.v1"


class UpdateSessionCancelling(UpdateSessionState):
    """The device had begun and is asked to stop. It may go on all the same, and what it has installed it has."""

    type = "update_session.cancelling.v1"


class UpdateSessionCompleted(UpdateSessionState):
    type = "update_session.completed.v1"


class UpdateSessionFailed(UpdateSessionState):
    type = "update_session.failed.v1"


class UpdateSessionCancelled(UpdateSessionState):
    type = "update_session.cancelled.v1"


class UpdateSessionTimedOut(UpdateSessionState):
    type = "update_session.timed_out.v1"


class UpdateSessionSnapshot(UpdateSessionState):
    """Not a change: the present state of a device's newest session, sent again so that a copy can be rebuilt."""

    type = "update_session.snapshot.v1"


class UpdateRefused(EventData):
    """An action that began cannot be carried out: no session was opened for it."""

    type = "update.refused.v1"

    action_id: int
    device_uid: str
    reason: str
    """A stable word, e.g. `firmware_not_found`."""
    detail: str

    def subject(self) -> str:
        return f"action/{self.action_id}"
