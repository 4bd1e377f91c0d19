"""Questions about telemetry over REST."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from monitoring.fleet.errors import DeviceNotFound, GroupNotFound
from monitoring.queries.errors import OneScope, TooMuchAsked
from monitoring.queries.schemas import Question, RankingAnswer, SeriesAnswer, StatisticsAnswer
from monitoring.queries.service import ExportService, QueryService
from monitoring.queries.states import By, FileFormat, Order, Resolution, Statistic
from monitoring.telemetry.errors import BadTimeRange
from shared.contracts.routes import DEVICE_UID
from shared.contracts.telemetry import METRIC_NAME
from shared.http.declared import raises
from shared.http.moments import QueryMoment
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery

router = APIRouter(prefix="/telemetry", tags=["telemetry"])
"""The canonical paths."""

monitoring_router = APIRouter(prefix="/monitoring", tags=["telemetry"])
"""The same under shorter names."""

Queries = Annotated[QueryService, use(QueryService)]
Reader = Annotated[Principal, requires("telemetry:read")]
Uid = Annotated[str, Query(pattern=f"^{DEVICE_UID.pattern}$")]
Metric = Annotated[str, Query(pattern=f"^{METRIC_NAME.pattern}$")]


def _question(
    device_uid: Annotated[list[Uid], Query(max_length=500, description="These devices")] = [],  # noqa: B006 - FastAPI copies it
    group: Annotated[int | None, Query(ge=1, lt=2**63, description="The members of this group")] = None,
    rql: Annotated[str | None, Query(description="The devices that this query finds")] = None,
    metric: Annotated[list[Metric], Query(max_length=50, description="These metrics, else all")] = [],  # noqa: B006
    start: Annotated[QueryMoment | None, Query(alias="from", description="By default a day before `to`")] = None,
    end: Annotated[QueryMoment | None, Query(alias="to", description="By default now")] = None,
    resolution: Literal["auto"] | Resolution = "auto",
) -> Question:
    return Question(
        device_uid=device_uid,
        group=group,
        rql=rql,
        metric=metric,
        start=start,
        end=end,
        resolution=None if resolution == "auto" else resolution,
    )


Asked = Annotated[
    Question,
    Depends(_question),
    raises(OneScope, DeviceNotFound, GroupNotFound, BadQuery, BadTimeRange, TooMuchAsked),
]


@router.get("/series")
@monitoring_router.get("/data")
async def series(
    who: Reader,
    queries: Queries,
    question: Asked,
    points: Annotated[int, Query(ge=1, le=5_000, description="About how many buckets at most")] = 300,
    by: By | None = None,
) -> SeriesAnswer:
    """Metrics over time at the resolution that fits: of each device by itself, or of all of them as one.

    `by` is `device` where devices are named, else `all`.
    """
    chosen = by or (By.DEVICE if question.device_uid else By.ALL)
    return await queries.series(who.organization_id, question, points=points, by=chosen)


@router.get("/statistics")
@monitoring_router.get("/stats")
async def statistics(who: Reader, queries: Queries, question: Asked) -> StatisticsAnswer:
    """Count, least, greatest, mean and percentiles of each metric over the whole time and all of the devices."""
    return await queries.statistics(who.organization_id, question)


@router.get("/ranking")
async def ranking(
    who: Reader,
    queries: Queries,
    question: Asked,
    metric: Metric,
    order: Order = Order.TOP,
    statistic: Statistic = Statistic.MEAN,
    limit: Annotated[int, Query(ge=1, le=500)] = 10,
) -> RankingAnswer:
    """The devices with the greatest or the least values of a metric."""
    asked = question.model_copy(update={"metric": [metric]})
    return await queries.ranking(who.organization_id, asked, statistic=statistic, order=order, limit=limit)


_FILES: dict[str, Any] = {
    "description": "Streamed; a connection that breaks off before its end has not brought all",
    "content": {"text/csv": {}, "application/x-ndjson": {}},
}


@router.get("/export", response_class=StreamingResponse, responses={200: _FILES})
async def export(
    who: Reader,
    exports: Annotated[ExportService, use(ExportService)],
    question: Asked,
    file_format: Annotated[FileFormat, Query(alias="format")] = FileFormat.CSV,
) -> StreamingResponse:
    """Samples (unless another resolution is asked for) as a file, as long as it takes."""
    pieces = exports.pieces(who.organization_id, question, file_format)
    first = await anext(pieces)

    async def all_pieces() -> AsyncIterator[str]:
        yield first
        async for piece in pieces:
            yield piece

    media_type = "text/csv" if file_format is FileFormat.CSV else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="telemetry.{file_format}"'}
    return StreamingResponse(all_pieces(), media_type=f"{media_type}; charset=utf-8", headers=headers)
