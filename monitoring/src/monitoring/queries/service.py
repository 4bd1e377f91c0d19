"""Use cases of questions about telemetry."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.fleet.errors import DeviceNotFound
from monitoring.fleet.service import FleetService
from monitoring.organizations.service import OrganizationService
from monitoring.queries.errors import TooMuchAsked
from monitoring.queries.models import Plan, Span
from monitoring.queries.rules import (
    BUCKET_COLUMNS,
    MAX_SAMPLES,
    SAMPLE_COLUMNS,
    bucket_lines,
    header_line,
    plan,
    sample_lines,
    scope_of,
    value_of,
)
from monitoring.queries.schemas import (
    Question,
    RankedRead,
    RankingAnswer,
    SeriesAnswer,
    SeriesRead,
    StatisticsAnswer,
    StatisticsRead,
)
from monitoring.queries.states import By, FileFormat, Order, Resolution, Statistic
from monitoring.rollups.models import DAY, Rollup, Summary
from monitoring.rollups.service import FreshRollups
from monitoring.telemetry.errors import BadTimeRange
from monitoring.telemetry.models import micros, midnight
from monitoring.telemetry.service import TelemetryService
from shared.clock import Clock
from shared.contracts.telemetry import Value

MAX_SERIES = 200

_PIECE = 64 * 1024
_EARLIEST = datetime.min.replace(tzinfo=UTC) + DAY

Place = tuple[str | None, str]
"""A device, or None for all of them, and a metric."""


class QueryService:
    def __init__(
        self,
        fleet: FleetService,
        organizations: OrganizationService,
        telemetry: TelemetryService,
        rollups: FreshRollups,
        *,
        clock: Clock,
        minute_days: int,
        hour_days: int,
    ) -> None:
        self._fleet = fleet
        self._organizations = organizations
        self._telemetry = telemetry
        self._rollups = rollups
        self._clock = clock
        self._minute_days = minute_days
        self._hour_days = hour_days

    async def devices(self, organization_id: int, question: Question) -> list[str]:
        """The uids that are meant, in order. Raises OneScope, DeviceNotFound, GroupNotFound and BadQuery."""
        scope = scope_of(question.device_uid, question.group, question.rql)
        found = await self._fleet.scope(organization_id, scope)
        if scope.device_uids is not None and len(found) < len(scope.device_uids):
            raise DeviceNotFound
        return found

    async def series(self, organization_id: int, question: Question, *, points: int, by: By) -> SeriesAnswer:
        """Each metric over time, in at most about `points` buckets.

        Raises what `devices` raises, BadTimeRange and TooMuchAsked.
        """
        uids = await self.devices(organization_id, question)
        chosen = await self._plan(organization_id, question, uids, points)
        if chosen.resolution is Resolution.RAW:
            try:
                samples = await self._samples(chosen, uids, _metrics(question))
            except TooMuchAsked:
                if question.resolution is not None:
                    raise
                chosen = await self._plan(organization_id, question, uids, points, asked=Resolution.MINUTE)
            else:
                as_they_are = by is By.DEVICE and max(map(len, samples.values()), default=0) <= points
                width = None if as_they_are else chosen.width
                return _series_answer(chosen, uids, _bucketed(samples, by, width), width=width)
        return _series_answer(chosen, uids, await self._buckets(chosen, uids, question, by), width=chosen.width)

    async def statistics(self, organization_id: int, question: Question) -> StatisticsAnswer:
        """Each metric over the whole time and all devices. Raises as `series`."""
        uids = await self.devices(organization_id, question)
        chosen = await self._plan(organization_id, question, uids, None)
        whole: dict[str, Rollup] = defaultdict(Rollup)
        reported: dict[str, set[str]] = defaultdict(set)
        async for uid, metrics in self._rolled_up(chosen, uids, question):
            for name, rollup in metrics.items():
                whole[name].absorb(rollup)
                reported[name].add(uid)
        items = [_statistics_read(name, whole[name], len(reported[name])) for name in sorted(whole)]
        return StatisticsAnswer(**_span(chosen, uids), items=items)

    async def ranking(
        self, organization_id: int, question: Question, *, statistic: Statistic, order: Order, limit: int
    ) -> RankingAnswer:
        """The devices with the greatest or least of a statistic of the question's one metric; by uid among equals.

        Raises as `series`.
        """
        [metric] = question.metric
        uids = await self.devices(organization_id, question)
        chosen = await self._plan(organization_id, question, uids, None)
        found: dict[str, Summary] = defaultdict(Summary)
        async for uid, _, summary in self._summaries(chosen, uids, frozenset([metric])):
            found[uid].merge(summary[metric])
        valued = [(value, uid) for uid, one in found.items() if (value := value_of(one, statistic)) is not None]
        valued.sort(key=lambda one: (-one[0] if order is Order.TOP else one[0], one[1]))
        items = [_ranked_read(uid, value, found[uid]) for value, uid in valued[:limit]]
        return RankingAnswer(**_span(chosen, uids), metric=metric, statistic=statistic, order=order, items=items)

    async def readable(self, organization_id: int, question: Question) -> tuple[datetime, datetime]:
        """The time that is asked for, cut to what there can be at the resolution, for want of one at raw.

        Raises BadTimeRange.
        """
        start, end = self._times(question)
        span = await self._span(organization_id)
        return max(start, span.oldest(question.resolution or Resolution.RAW)), min(end, span.end)

    async def _plan(
        self,
        organization_id: int,
        question: Question,
        uids: Sequence[str],
        points: int | None,
        *,
        asked: Resolution | None = None,
    ) -> Plan:
        start, end = self._times(question)
        span, wanted = await self._span(organization_id), asked or question.resolution
        chosen = plan(start, end, asked=wanted, points=points, devices=len(uids), span=span)
        if chosen.resolution is Resolution.RAW:
            return chosen
        return replace(chosen, complete_until=self._rollups.complete_until(uids))

    def _times(self, question: Question) -> tuple[datetime, datetime]:
        end = question.end or self._clock.now()
        start = question.start or max(end, _EARLIEST) - DAY
        if start >= end:
            raise BadTimeRange
        return start, end

    async def _span(self, organization_id: int) -> Span:
        today = midnight(self._clock.now().date())
        retention = await self._organizations.retention(organization_id)
        return Span(
            raw=today - retention.days * DAY,
            minute=today - self._minute_days * DAY,
            hour=today - self._hour_days * DAY,
            end=today + 2 * DAY,
        )

    async def _samples(
        self, chosen: Plan, uids: Sequence[str], metrics: frozenset[str] | None
    ) -> dict[tuple[str, str], list[tuple[int, Value]]]:
        """The samples of each device and metric, oldest first, their times in microseconds. Raises TooMuchAsked."""
        found: dict[tuple[str, str], list[tuple[int, Value]]] = defaultdict(list)
        shelves, left = await self._telemetry.shelves(), MAX_SAMPLES
        [metric] = metrics if metrics is not None and len(metrics) == 1 else [None]
        for uid in uids:
            read = self._telemetry.samples(uid, chosen.start, chosen.end, metric=metric, shelves=shelves)
            async for page in read:
                left -= len(page)
                if left < 0:
                    raise TooMuchAsked(
                        f"an answer reads at most {MAX_SAMPLES:,} samples: name fewer devices or a shorter time, or "
                        "take another resolution"
                    )
                for sample in page:
                    ts = micros(sample.ts)
                    for name, value in sample.metrics.items():
                        if metrics is None or name in metrics:
                            found[uid, name].append((ts, value))
        return found

    async def _buckets(
        self, chosen: Plan, uids: Sequence[str], question: Question, by: By
    ) -> dict[Place, dict[int, Summary]]:
        """By place and the beginning of the bucket in milliseconds."""
        width = int(chosen.width.total_seconds())
        found: dict[Place, dict[int, Summary]] = {}
        async for uid, at, summaries in self._summaries(chosen, uids, _metrics(question)):
            begins = int(at.timestamp()) // width * width * 1_000
            for name, summary in summaries.items():
                buckets = _series_in(found, (uid if by is By.DEVICE else None, name))
                buckets.setdefault(begins, Summary()).merge(summary)
        return found

    async def _summaries(
        self, chosen: Plan, uids: Sequence[str], metrics: frozenset[str] | None
    ) -> AsyncIterator[tuple[str, datetime, Mapping[str, Summary]]]:
        """Parts of what was reported, with those of the metrics that are in them."""
        if chosen.resolution is Resolution.RAW:
            for (uid, name), values in (await self._samples(chosen, uids, metrics)).items():
                yield uid, chosen.start, {name: _rollup(values)}
            return
        read = self._rollups.summaries(chosen.resolution.unit, uids, chosen.start, chosen.end, metrics=metrics)
        async for uid, at, summaries in read:
            if summaries:
                yield uid, at, summaries

    async def _rolled_up(
        self, chosen: Plan, uids: Sequence[str], question: Question
    ) -> AsyncIterator[tuple[str, Mapping[str, Rollup]]]:
        if chosen.resolution is Resolution.RAW:
            for (uid, name), values in (await self._samples(chosen, uids, _metrics(question))).items():
                yield uid, {name: _rollup(values)}
            return
        unit = chosen.resolution.unit
        async for uid, _, found in self._rollups.rollups(
            unit, uids, chosen.start, chosen.end, metrics=_metrics(question)
        ):
            yield uid, found


class ExportService:
    def __init__(self, queries: QueryService, telemetry: TelemetryService, rollups: FreshRollups) -> None:
        self._queries = queries
        self._telemetry = telemetry
        self._rollups = rollups

    async def pieces(self, organization_id: int, question: Question, file_format: FileFormat) -> AsyncIterator[str]:
        """The file, device by device and in the order of time, some at a time; the first piece may be empty.

        Raises before the first piece what `QueryService.devices` raises, and BadTimeRange; StoreAway at any time.
        """
        uids = await self._queries.devices(organization_id, question)
        span = await self._queries.readable(organization_id, question)
        resolution, metrics = question.resolution or Resolution.RAW, frozenset(question.metric) or None
        columns = SAMPLE_COLUMNS if resolution is Resolution.RAW else BUCKET_COLUMNS
        shelves = await self._telemetry.shelves()
        yield header_line(file_format, columns)
        for uid in uids:
            if resolution is Resolution.RAW:
                async for page in self._telemetry.samples(uid, *span, shelves=shelves):
                    yield sample_lines(file_format, uid, page, metrics)
                continue
            waiting = ""
            async for _, at, found in self._rollups.summaries(resolution.unit, [uid], *span, metrics=metrics):
                waiting += bucket_lines(file_format, uid, at, found)
                if len(waiting) >= _PIECE:
                    yield waiting
                    waiting = ""
            yield waiting


def _metrics(question: Question) -> frozenset[str] | None:
    return frozenset(question.metric) or None


def _rollup(values: Sequence[tuple[int, Value]]) -> Rollup:
    rollup = Rollup()
    for ts, value in values:
        rollup.add(ts, value)
    return rollup


def _bucketed(
    samples: Mapping[tuple[str, str], Sequence[tuple[int, Value]]], by: By, width: timedelta | None
) -> dict[Place, dict[int, Summary]]:
    """Samples as they are, to the millisecond, without a `width`."""
    width_ms = 1 if width is None else int(width.total_seconds() * 1_000)
    found: dict[Place, dict[int, Summary]] = {}
    for (uid, name), values in samples.items():
        series = _series_in(found, (uid if by is By.DEVICE else None, name))
        for one in values:
            series.setdefault(one[0] // 1_000 // width_ms * width_ms, Summary()).merge(_rollup([one]))
    return found


def _series_in(found: dict[Place, dict[int, Summary]], place: Place) -> dict[int, Summary]:
    """Raises TooMuchAsked."""
    if place not in found and len(found) >= MAX_SERIES:
        raise TooMuchAsked(
            f"an answer holds at most {MAX_SERIES} series: name metrics, fewer devices, or ask by=all for one of all"
        )
    return found.setdefault(place, {})


def _span(chosen: Plan, uids: Sequence[str]) -> dict[str, Any]:
    return {
        "start": chosen.start,
        "end": chosen.end,
        "resolution": chosen.resolution,
        "devices": len(uids),
        "complete_until": chosen.complete_until,
    }


def _series_answer(
    chosen: Plan, uids: Sequence[str], found: Mapping[Place, Mapping[int, Summary]], *, width: timedelta | None
) -> SeriesAnswer:
    series: list[SeriesRead] = []
    for uid, metric in sorted(found, key=lambda place: (place[0] or "", place[1])):
        buckets = sorted(found[uid, metric].items())
        series.append(
            SeriesRead(
                device_uid=uid,
                metric=metric,
                ts=[ts for ts, _ in buckets],
                count=[one.count for _, one in buckets],
                mean=[one.mean for _, one in buckets],
                min=[one.least for _, one in buckets],
                max=[one.greatest for _, one in buckets],
                last=[one.last for _, one in buckets],
            )
        )
    bucket_s = None if width is None else int(width.total_seconds())
    return SeriesAnswer(**_span(chosen, uids), bucket_s=bucket_s, series=series)


def _statistics_read(metric: str, rollup: Rollup, devices: int) -> StatisticsRead:
    return StatisticsRead(
        metric=metric,
        devices=devices,
        count=rollup.count,
        min=rollup.least,
        max=rollup.greatest,
        mean=rollup.mean,
        p50=rollup.quantile(0.5),
        p90=rollup.quantile(0.9),
        p95=rollup.quantile(0.95),
        p99=rollup.quantile(0.99),
        first=rollup.first,
        last=rollup.last,
    )


def _ranked_read(uid: str, value: float, one: Summary) -> RankedRead:
    return RankedRead(
        device_uid=uid,
        value=value,
        count=one.count,
        mean=one.mean,
        min=one.least,
        max=one.greatest,
        last=one.last,
    )
