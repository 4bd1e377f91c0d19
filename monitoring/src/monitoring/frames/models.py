"""How frames are thinned out: what is kept of all that happens between two of them."""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Protocol

from monitoring.snapshots.states import Topic
from shared.contracts.live import (
    ActionFrame,
    ActionItem,
    AlertFrame,
    AlertItem,
    BatchFrame,
    BatchItem,
    ConfigurationFrame,
    ConfigurationItem,
    ConfigurationJobFrame,
    ConfigurationJobItem,
    Frame,
    PresenceFrame,
    PresenceItem,
    ReleaseFrame,
    ReleaseItem,
    TelemetryFrame,
    TelemetryItem,
    UpdateFrame,
    UpdateItem,
)

FRAME_SECONDS = 0.2
"""A room is sent a frame at most this often."""

StateItem = (
    PresenceItem
    | UpdateItem
    | AlertItem
    | ReleaseItem
    | BatchItem
    | ActionItem
    | ConfigurationItem
    | ConfigurationJobItem
)


class Conflation(Protocol):
    """What has happened since the last frame, one item where there were many."""

    def add(self, items: Iterable[Any]) -> None: ...

    def take(self) -> list[Any]:
        """Everything since the last time."""
        ...


class TelemetryConflation:
    """Keeps the newest value of every metric of each device, so its size is bounded by the fleet's."""

    def __init__(self) -> None:
        self._devices: dict[str, dict[str, tuple[int, float | bool | str]]] = {}

    def add(self, items: Iterable[TelemetryItem]) -> None:
        for item in items:
            metrics = self._devices.setdefault(item.device_uid, {})
            for name, value in item.metrics.items():
                known = metrics.get(name)
                if known is None or item.ts >= known[0]:
                    metrics[name] = (item.ts, value)

    def take(self) -> list[TelemetryItem]:
        """An item for each device and time, the older ones of a device first."""
        items: list[TelemetryItem] = []
        for uid, metrics in self._devices.items():
            by_time: dict[int, dict[str, float | bool | str]] = {}
            for name, (ts, value) in metrics.items():
                by_time.setdefault(ts, {})[name] = value
            items += (TelemetryItem(uid, ts, by_time[ts]) for ts in sorted(by_time))
        self._devices.clear()
        return items


class StateConflation:
    """Keeps the newest state of each aggregate."""

    def __init__(self) -> None:
        self._newest: dict[Hashable, StateItem] = {}

    def add(self, items: Iterable[StateItem]) -> None:
        for item in items:
            key = _key(item)
            known = self._newest.get(key)
            if known is None or _order(item) >= _order(known):
                self._newest[key] = item

    def take(self) -> list[StateItem]:
        items = list(self._newest.values())
        self._newest.clear()
        return items


_KEYS: Mapping[type[StateItem], str] = {
    PresenceItem: "device_uid",
    UpdateItem: "device_uid",
    AlertItem: "alert_id",
    ReleaseItem: "release_id",
    BatchItem: "batch_id",
    ActionItem: "action_id",
    ConfigurationItem: "device_uid",
    ConfigurationJobItem: "job_id",
}


def _key(item: StateItem) -> Hashable:
    return type(item), getattr(item, _KEYS[type(item)])


def _order(item: StateItem) -> tuple[int, int]:
    return (item.counter, item.version) if isinstance(item, UpdateItem) else (0, item.version)


TOPICS: Mapping[type[Frame], Topic] = {
    TelemetryFrame: Topic.TELEMETRY,
    PresenceFrame: Topic.PRESENCE,
    UpdateFrame: Topic.UPDATES,
    AlertFrame: Topic.ALERTS,
    ReleaseFrame: Topic.RELEASES,
    BatchFrame: Topic.BATCHES,
    ActionFrame: Topic.ACTIONS,
    ConfigurationFrame: Topic.CONFIGURATION,
    ConfigurationJobFrame: Topic.CONFIGURATION,
}

FRAMES: Mapping[type[StateItem], type[Frame]] = {
    ReleaseItem: ReleaseFrame,
    BatchItem: BatchFrame,
    ConfigurationJobItem: ConfigurationJobFrame,
    ActionItem: ActionFrame,
    ConfigurationItem: ConfigurationFrame,
}
"""Of items that come mixed."""


def conflation(topic: Topic) -> Conflation:
    """A new one, empty."""
    return TelemetryConflation() if topic is Topic.TELEMETRY else StateConflation()
