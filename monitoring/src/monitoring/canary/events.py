"""From what is asked to a canary, and from its judgement to the event about it, pure."""

from dataclasses import asdict
from datetime import datetime

from monitoring.canary.models import Canary, Criterion, Judgement
from shared.contracts.canaries import CanaryFigure, CanaryJudged
from shared.contracts.releases import ReleaseCanaryRequested


def canary_of(request: ReleaseCanaryRequested) -> Canary:
    asked = request.canary
    return Canary(
        organization_id=request.organization_id,
        release=request.slug,
        metrics=[Criterion(**one.model_dump()) for one in asked.metrics],
        **asked.model_dump(exclude={"metrics"}),
    )


def judged_event(canary: Canary, judgement: Judgement, *, at: datetime) -> CanaryJudged:
    return CanaryJudged(
        organization_id=canary.organization_id,
        version=1,
        canary_id=canary.canary_id,
        release=canary.release,
        wave=canary.wave,
        verdict=judgement.verdict,
        detail=judgement.detail,
        figures=[CanaryFigure(**asdict(figure)) for figure in judgement.figures],
        judged_at=at,
    )
