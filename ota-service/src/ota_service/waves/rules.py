"""The gate of a wave, pure: what its counts and its time come to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ota_service.canaries.models import ReleaseCanary
from ota_service.canaries.states import CanaryVerdict
from ota_service.release_documents.schemas import Gate
from ota_service.releases.models import Tally


class Verdict(StrEnum):
    """`met` once the success threshold is reached, `passed` when the soak and the shortest time are over too."""

    OPEN = "open"
    MET = "met"
    PASSED = "passed"
    FAILURE_THRESHOLD = "failure_threshold"
    OUT_OF_REACH = "success_out_of_reach"
    TOO_SLOW = "too_slow"
    UNWATCHED = "unwatched"
    """Passed, but for the canary that is to be asked for."""
    WATCHED = "watched"
    """Passed, but for the canary's answer."""
    CANARY_FAILED = "canary_failed"
    CANARY_INCONCLUSIVE = "canary_inconclusive"


HOLDS_SO_FAR = frozenset({Verdict.MET, Verdict.UNWATCHED, Verdict.WATCHED})
FAILING = frozenset(
    {
        Verdict.FAILURE_THRESHOLD,
        Verdict.OUT_OF_REACH,
        Verdict.TOO_SLOW,
        Verdict.CANARY_FAILED,
        Verdict.CANARY_INCONCLUSIVE,
    }
)


@dataclass(frozen=True)
class Times:
    """Of an open wave: when it was opened, and since when its success threshold is met."""

    now: datetime
    opened_at: datetime
    met_at: datetime | None


def judge(tally: Tally, gate: Gate, times: Times, *, forgiven: int = 0) -> Verdict:
    """What the gate says now. A threshold is decided as soon as nothing that may still come can change it.

    Devices that were skipped do not count. One that failed, was silent past its deadline or was cancelled counts
    against the gate, but for the first `forgiven`. Failure comes before success: where both are reached, it failed.
    """
    excused = min(forgiven, tally.against)
    against, devices = tally.against - excused, tally.counted - excused
    if against and against * 100 >= gate.failure_threshold * devices:
        return Verdict.FAILURE_THRESHOLD
    if (devices - against) * 100 < gate.success_threshold * devices:
        return Verdict.OUT_OF_REACH
    if tally.succeeded * 100 >= gate.success_threshold * devices:
        soaked = times.now - (times.met_at or times.now) >= timedelta(seconds=gate.soak_s)
        return Verdict.PASSED if soaked and _open_for(times) >= timedelta(seconds=gate.min_s) else Verdict.MET
    if gate.max_s is not None and _open_for(times) >= timedelta(seconds=gate.max_s):
        return Verdict.TOO_SLOW
    return Verdict.OPEN


def watch(canary: ReleaseCanary | None, *, now: datetime) -> Verdict:
    """What a gate with a canary says once all else lets it pass; one without an answer in time says nothing certain."""
    if canary is None:
        return Verdict.UNWATCHED
    if canary.waived or canary.verdict == CanaryVerdict.PASSED:
        return Verdict.PASSED
    if canary.verdict == CanaryVerdict.FAILED:
        return Verdict.CANARY_FAILED
    return Verdict.WATCHED if canary.verdict is None and now < canary.deadline else Verdict.CANARY_INCONCLUSIVE


def explained(verdict: Verdict, wave: str, tally: Tally, gate: Gate) -> str:
    """Why a wave has failed its gate, as a sentence."""
    counts = f"{tally.against} of {tally.counted} devices of {wave} were not updated"
    match verdict:
        case Verdict.FAILURE_THRESHOLD:
            return f"{counts}; its failure threshold is {gate.failure_threshold} percent"
        case Verdict.OUT_OF_REACH:
            return f"{counts}, so its success threshold of {gate.success_threshold} percent is out of reach"
        case _:
            return f"{tally.succeeded} of {tally.counted} devices of {wave} were updated within {gate.max_s} s"


def may_begin(max_per_hour: int | None, *, handed: int, open_for: timedelta, most: int) -> int:
    """How many more devices of a wave may begin now, up to `most`: the first at once, the others at their pace."""
    if max_per_hour is None:
        return most
    return max(0, min(most, 1 + int(open_for.total_seconds() * max_per_hour / 3600) - handed))


def _open_for(times: Times) -> timedelta:
    return times.now - times.opened_at
