"""The topics that can be watched and the scopes they need. Pure."""

from enum import StrEnum


class Topic(StrEnum):
    TELEMETRY = "telemetry"
    PRESENCE = "presence"
    UPDATES = "updates"
    ALERTS = "alerts"
    RELEASES = "releases"
    BATCHES = "batches"
    ACTIONS = "actions"
    CONFIGURATION = "configuration"

    @property
    def event(self) -> str:
        """The name of its frames at the client."""
        return _EVENTS.get(self, str(self))


_EVENTS = {
    Topic.UPDATES: "update",
    Topic.ALERTS: "alert",
    Topic.RELEASES: "release",
    Topic.BATCHES: "batch",
    Topic.ACTIONS: "action",
}

SCOPES = {
    Topic.TELEMETRY: "telemetry:read",
    Topic.PRESENCE: "devices:read",
    Topic.UPDATES: "updates:read",
    Topic.ALERTS: "telemetry:read",
    Topic.RELEASES: "updates:read",
    Topic.BATCHES: "updates:read",
    Topic.ACTIONS: "devices:read",
    Topic.CONFIGURATION: "devices:read",
}

COMMON_TOPICS = frozenset({Topic.RELEASES, Topic.BATCHES, Topic.CONFIGURATION})
"""The topics with items about the organization rather than about one of its devices."""

DEVICE_TOPICS = frozenset(Topic) - {Topic.RELEASES, Topic.BATCHES}
"""The topics with items about devices."""
