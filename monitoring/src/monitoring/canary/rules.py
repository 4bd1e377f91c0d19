"""How devices are compared, pure.

A device counts once, with its own mean. Worse by no more than is tolerated passes. Worse by more fails when Welch's
test says at 95 percent, one-sided, that it is not chance; else nothing is certain.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import md5
from math import fsum, isfinite, sqrt

from monitoring.canary.models import Criterion, Figure, Judgement
from monitoring.canary.states import Verdict

ALERTS_TOLERATED = 0.1
"""The part of a wave's devices with an alert may be greater by this than that of the others."""

_Z = 1.6448536269514722
"""The normal distribution's 95th percentile."""


def chosen(canary_id: int, uids: Iterable[str]) -> list[str]:
    """In an order that is the same in every worker and has nothing to do with the devices' names."""
    return sorted(uids, key=lambda uid: md5(f"{canary_id}/{uid}".encode(), usedforsecurity=False).digest())


def weighed(
    criterion: Criterion, updated: Mapping[str, float], others: Mapping[str, float], *, at_least: int
) -> Figure:
    """A metric by the means of the devices, by uid."""
    ours, theirs = _finite(updated.values()), _finite(others.values())
    tolerance = criterion.tolerance_percent / 100 * abs(_mean(theirs) or 0)
    verdict = _compared(ours, theirs, criterion.worse, tolerance, at_least)
    return Figure(criterion.metric, verdict, len(ours), _mean(ours), len(theirs), _mean(theirs))


def weighed_alerts(
    updated: Collection[str], others: Collection[str], opened: Collection[str], *, at_least: int
) -> Figure:
    """The parts of the devices that had an alert `opened`."""
    ours, theirs = ([float(uid in opened) for uid in uids] for uids in (updated, others))
    verdict = _compared(ours, theirs, "higher", ALERTS_TOLERATED, at_least)
    return Figure(None, verdict, len(ours), _mean(ours), len(theirs), _mean(theirs))


def judged(figures: Sequence[Figure], *, at_least: int) -> Judgement:
    """One failure fails, and without one anything uncertain leaves all uncertain."""
    for verdict in (Verdict.FAILED, Verdict.INCONCLUSIVE):
        found = [figure for figure in figures if figure.verdict is verdict]
        if found:
            return Judgement(verdict, "; ".join(_sentence(figure, at_least) for figure in found), figures)
    if not figures:
        return Judgement(Verdict.INCONCLUSIVE, "there was nothing to compare", figures)
    return Judgement(Verdict.PASSED, "its devices are no worse than others", figures)


def _compared(ours: Sequence[float], theirs: Sequence[float], worse: str, tolerance: float, at_least: int) -> Verdict:
    if _are_few(len(ours), len(theirs), at_least):
        return Verdict.INCONCLUSIVE
    difference = fsum(ours) / len(ours) - fsum(theirs) / len(theirs)
    excess = (difference if worse == "higher" else -difference) - tolerance
    if excess <= 0:
        return Verdict.PASSED
    one, other = _variance(ours) / len(ours), _variance(theirs) / len(theirs)
    spread = one + other
    if spread == 0:
        return Verdict.FAILED
    share = one / spread  # squares of shares are of an ordinary size, whatever the metric's unit is
    freedom = 1 / (share * share / (len(ours) - 1) + (1 - share) * (1 - share) / (len(theirs) - 1))
    return Verdict.FAILED if excess / sqrt(spread) > _critical(freedom) else Verdict.INCONCLUSIVE


def _are_few(ours: int, theirs: int, at_least: int) -> bool:
    return min(ours, theirs) < max(at_least, 2)


def _critical(freedom: float) -> float:
    """Student's 95th percentile, by the expansion of Fisher and Cornish (1960): within a percent from 4 on."""
    z = _Z
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def _finite(values: Iterable[float]) -> list[float]:
    return [value for value in values if isfinite(value) and abs(value) < 1e150]


def _mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def _variance(values: Sequence[float]) -> float:
    mean = fsum(values) / len(values)
    return fsum((value - mean) * (value - mean) for value in values) / (len(values) - 1)


def _sentence(figure: Figure, at_least: int) -> str:
    what = figure.metric or "the part with an alert"
    if figure.mean is None or figure.others_mean is None:
        said = f"{what}: {figure.devices} devices of the wave and {figure.others} others say anything of it"
    else:
        said = (
            f"{what}: {figure.mean:.4g} over {figure.devices} devices of the wave, "
            f"{figure.others_mean:.4g} over {figure.others} others"
        )
    if figure.verdict is not Verdict.INCONCLUSIVE:
        return said
    if _are_few(figure.devices, figure.others, at_least):
        return f"{said}, and nothing is certain with fewer than {max(at_least, 2)} on either side"
    return f"{said}, which may be chance"
