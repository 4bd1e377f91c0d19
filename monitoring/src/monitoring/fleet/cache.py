"""Which scopes the devices that report are within, remembered for a while: the stream asks with every batch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from monitoring.fleet.models import Scope


@dataclass(frozen=True, slots=True)
class _Remembered:
    until: float
    within: Mapping[Scope, bool]


class ScopeCache:
    """`fresh_s` is how old an answer may be, in seconds; `remembered` how many devices' answers are held at most."""

    def __init__(self, *, fresh_s: float = 30.0, remembered: int = 100_000) -> None:
        self._fresh_s = fresh_s
        self._most = remembered
        self._devices: dict[str, _Remembered] = {}

    def get(self, uid: str, scopes: Collection[Scope]) -> Mapping[Scope, bool] | None:
        """Whether the device is within each of them; None unless all of that is known and fresh."""
        found = self._devices.get(uid)
        if found is None or found.until < monotonic() or not all(scope in found.within for scope in scopes):
            return None
        return found.within

    def put(self, uid: str, within: Mapping[Scope, bool]) -> None:
        self._devices.pop(uid, None)
        while len(self._devices) >= self._most:
            del self._devices[next(iter(self._devices))]
        self._devices[uid] = _Remembered(monotonic() + self._fresh_s, within)
