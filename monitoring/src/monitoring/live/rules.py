"""How frames are thinned out and floods are told from talk. Pure: time is given in seconds that only grow."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from monitoring.live.states import Topic
from shared.contracts.live import (
    Frame,
    PresenceFrame,
    PresenceItem,
    TelemetryFrame,
    TelemetryItem,
    UpdateFrame,
    UpdateItem,
)

FRAME_SECONDS = 0.2
"""A room is sent a frame at most this often."""

StateItem = PresenceItem | UpdateItem


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
    """Keeps the newest state of each device."""

    def __init__(self) -> None:
        self._devices: dict[str, StateItem] = {}

    def add(self, items: Iterable[StateItem]) -> None:
        for item in items:
            known = self._devices.get(item.device_uid)
            if known is None or _order(item) >= _order(known):
                self._devices[item.device_uid] = item

    def take(self) -> list[StateItem]:
        items = list(self._devices.values())
        self._devices.clear()
        return items


def _order(item: StateItem) -> tuple[int, int]:
    return (item.counter, item.version) if isinstance(item, UpdateItem) else (0, item.version)


TOPICS: Mapping[type[Frame], Topic] = {
    TelemetryFrame: Topic.TELEMETRY,
    PresenceFrame: Topic.PRESENCE,
    UpdateFrame: Topic.UPDATES,
}


def conflation(topic: Topic) -> Conflation:
    """A new one, empty."""
    return TelemetryConflation() if topic is Topic.TELEMETRY else StateConflation()


class Budget:
    """A token bucket: `burst` events at once, `rate` a second on average."""

    def __init__(self, *, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = now

    def spend(self, now: float) -> bool:
        """False when the budget is used up."""
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
