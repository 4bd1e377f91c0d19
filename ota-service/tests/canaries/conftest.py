"""The releases of the releases' tests, and monitoring's answers."""

import json
from datetime import UTC, datetime

import pytest

from ota_service.canaries.consumers import CanaryConsumer
from shared.contracts.canaries import CanaryFigure, CanaryJudged

from ..news import envelope
from ..releases.conftest import *  # noqa: F403

CANARY = {"metrics": [{"metric": "temperature", "worse": "higher"}], "window_s": 600}


@pytest.fixture
def watched(started, finish, steps):
    """A release whose first wave is updated and watched."""

    async def watched(**differs):
        await started(waves=[{"percent": 50, "canary": CANARY}, {"percent": 50}], **differs)
        await finish()
        await steps()

    return watched


@pytest.fixture
def asked(sql):
    async def asked() -> list[dict]:
        """What monitoring was asked, in order."""
        query = "select payload from outbox where type = 'release.canary_requested.v1' order by id"
        return [json.loads(row["payload"])["data"] for row in await sql.fetch(query)]

    return asked


@pytest.fixture
def answer(app, asked):
    """Monitoring answers what it was asked last."""

    async def answer(verdict, *, organization_id=1, detail="temperature is 4 percent higher", canary_id=None):
        request = (await asked())[-1]
        data = CanaryJudged(
            organization_id=organization_id,
            version=1,
            canary_id=canary_id or request["canary"]["canary_id"],
            release=request["slug"],
            wave=request["canary"]["wave"],
            verdict=verdict,
            detail=detail,
            figures=[
                CanaryFigure(metric="temperature", verdict=verdict, devices=10, mean=4.2, others=7, others_mean=4)
            ],
            judged_at=datetime.now(UTC),
        )
        event = envelope(data, source="/monitoring")
        await CanaryConsumer(app.state.scopes)([event, event])

    return answer
