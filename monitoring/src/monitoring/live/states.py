"""The words of live streams: topics, the scopes they need, and rooms. Pure."""

from enum import StrEnum
from typing import NamedTuple


class Topic(StrEnum):
    TELEMETRY = "telemetry"
    PRESENCE = "presence"
    UPDATES = "updates"

    @property
    def event(self) -> str:
        """The name of its frames at the client."""
        return "update" if self is Topic.UPDATES else str(self)


SCOPES = {Topic.TELEMETRY: "telemetry:read", Topic.PRESENCE: "devices:read", Topic.UPDATES: "updates:read"}


class Room(NamedTuple):
    """Those who watch one topic of one device, or with `device_uid` None of a whole organization.

    The server makes it from a verified token and a device it has found to be that organization's; no client names it.
    """

    topic: Topic
    organization_id: int
    device_uid: str | None

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.organization_id}/{self.device_uid or '*'}"
