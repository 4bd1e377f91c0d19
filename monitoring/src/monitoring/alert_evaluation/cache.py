"""What a worker remembers between two looks at the store: which conditions are on, and how values have moved."""

from collections.abc import Sequence

from monitoring.alerts.models import Known
from monitoring.alerts.states import Phase

_ON = frozenset({Phase.PENDING, Phase.ACTIVE, Phase.HELD})
_POINTS = 16
_MOVEMENTS = 20_000


class ConditionMemory:
    """Bounded by what is watched. What was asked for since the last look counts as if it had been granted."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}
        self._asked: dict[str, bool] = {}

    def learn(self, written: Sequence[Known], *, whole: bool) -> None:
        """Takes over what was written, in order; with `whole` there is nothing else."""
        if whole:
            self._known.clear()
        self._asked.clear()
        for one in written:
            if one.phase is not Phase.ENDED:
                self._known[one.key] = one
            elif (before := self._known.get(one.key)) is not None and before.alert_id == one.alert_id:
                del self._known[one.key]

    def is_watched(self, key: str) -> bool:
        return key in self._known or key in self._asked

    def is_on(self, key: str) -> bool:
        asked = self._asked.get(key)
        if asked is not None:
            return asked
        known = self._known.get(key)
        return known is not None and known.phase in _ON

    def ask(self, key: str, *, on: bool) -> None:
        self._asked[key] = on


class Movements:
    """How the value at a device has moved within a window, as far as this process has seen: some points of it."""

    def __init__(self, *, most: int = _MOVEMENTS) -> None:
        self._most = most
        self._points: dict[str, list[tuple[int, float]]] = {}

    def move(self, key: str, ts: int, value: float, window: int) -> float | None:
        """Notes a value; the change from the oldest one in the window to it, None when there is none to compare with.

        `ts` and `window` in microseconds. A value older than the newest one is left out.
        """
        points = self._points.pop(key, [])
        if points and ts <= points[-1][0]:
            self._points[key] = points
            return points[-1][1] - points[0][1]
        points = [point for point in points if point[0] >= ts - window]
        change = value - points[0][1] if points else None
        if len(points) > 1 and points[-1][0] - points[-2][0] < window // _POINTS:
            points.pop()
        while len(self._points) >= self._most:
            del self._points[next(iter(self._points))]
        self._points[key] = [*points, (ts, value)]
        return change
