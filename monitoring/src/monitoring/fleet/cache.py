"""Which scopes the devices that report are within, remembered for a while: the stream asks with every batch."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from time import monotonic

from monitoring.fleet.models import Scope


@dataclass(frozen=True, slots=True)
class _Answer:
    until: float
    within: bool


class ScopeCache:
    """`fresh_s` is how old an answer may be, in seconds; `remembered` how many devices' answers are held at most."""

    def __init__(self, *, fresh_s: float = 30.0, remembered: int = 100_000) -> None:
        self._fresh_s = fresh_s
        self._most = remembered
        self._devices: dict[str, dict[Scope, _Answer]] = {}

    def get(self, uid: str, scopes: Collection[Scope]) -> Mapping[Scope, bool] | None:
        """Whether the device is within each of them; None unless all of that is known and fresh."""
        answers, now = self._devices.get(uid, {}), monotonic()
        found = {scope: answer.within for scope in scopes if (answer := answers.get(scope)) and answer.until >= now}
        return found if len(found) == len(set(scopes)) else None

    def put(self, uid: str, within: Mapping[Scope, bool]) -> None:
        """Beside what is known of other scopes and fresh."""
        now = monotonic()
        kept = {scope: answer for scope, answer in self._devices.pop(uid, {}).items() if answer.until >= now}
        while len(self._devices) >= self._most:
            del self._devices[next(iter(self._devices))]
        until = now + self._fresh_s
        self._devices[uid] = kept | {scope: _Answer(until, is_within) for scope, is_within in within.items()}
