"""Use cases of canaries: watch a wave, and judge it when its time is over."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from monitoring.canary.events import canary_of, judged_event
from monitoring.canary.models import Canary, Judgement
from monitoring.canary.rules import chosen, judged, weighed, weighed_alerts
from monitoring.canary.store import CanaryStore
from monitoring.fleet.service import FleetService
from monitoring.rollups.models import HOUR, MINUTE
from monitoring.rollups.service import RollupService
from monitoring.updates.service import UpdateService
from shared.clock import Clock
from shared.contracts.releases import ReleaseCanaryRequested
from shared.ids import Ids
from shared.outbox.documents import pending

MOST_DEVICES = 500
"""How many devices of either side are compared: enough for any mean, and a bound on what is read."""

GRACE = timedelta(seconds=60)
"""How long after its end a window is judged: what was measured in it arrives and is rolled up meanwhile."""

_BY_MINUTES = timedelta(hours=6)
_AT_ONCE = 10
_INSTALLED = frozenset({"flashed", "completed"})


class OpenedAlerts(Protocol):
    """Whoever knows which devices had alerts."""

    async def opened_between(
        self, organization_id: int, uids: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, int]:
        """How many alerts were opened in that time, by device."""
        ...


class CanaryService:
    def __init__(
        self,
        store: CanaryStore,
        fleet: FleetService,
        updates: UpdateService,
        rollups: RollupService,
        alerts: OpenedAlerts | None,
        *,
        clock: Clock,
        ids: Ids,
        source: str,
        wake_relay: Callable[[], None],
        grace: timedelta = GRACE,
    ) -> None:
        self._store = store
        self._fleet = fleet
        self._updates = updates
        self._rollups = rollups
        self._alerts = alerts
        self._clock = clock
        self._ids = ids
        self._source = source
        self._wake_relay = wake_relay
        self._grace = grace

    async def watch(self, request: ReleaseCanaryRequested) -> None:
        """Keeps the question; the same again changes nothing. Raises StoreAway."""
        await self._store.put(canary_of(request), grace=self._grace)

    async def judge_due(self) -> None:
        """Answers what is due, each once, whoever is faster. Raises StoreAway."""
        for canary in await self._store.due(_AT_ONCE):
            judgement = await self._judge(canary)
            event = judged_event(canary, judgement, at=self._clock.now())
            unsent = pending(event, source=self._source, clock=self._clock, ids=self._ids)
            await self._store.judge(canary, judgement, [unsent])
            self._wake_relay()

    async def _judge(self, canary: Canary) -> Judgement:
        wave = await self._updates.updated_by(canary.organization_id, canary.release, canary.wave)
        ours = chosen(canary.canary_id, wave)[:MOST_DEVICES]
        theirs = await self._others(canary, ours)
        figures = []
        if canary.metrics:
            names = {criterion.metric for criterion in canary.metrics}
            means = await self._means([*ours, *theirs], names, canary)
            figures = [
                weighed(
                    criterion,
                    *(
                        {uid: means[uid, criterion.metric] for uid in side if (uid, criterion.metric) in means}
                        for side in (ours, theirs)
                    ),
                    at_least=canary.min_devices,
                )
                for criterion in canary.metrics
            ]
        if canary.alerts and self._alerts is not None:
            opened = await self._alerts.opened_between(
                canary.organization_id, [*ours, *theirs], canary.begins, canary.ends
            )
            figures.append(weighed_alerts(ours, theirs, set(opened), at_least=canary.min_devices))
        return judged(figures, at_least=canary.min_devices)

    async def _others(self, canary: Canary, ours: Sequence[str]) -> list[str]:
        """Devices of the same types that do not run what the release brings."""
        types = {device.device_type for device in await self._fleet.among(canary.organization_id, ours)}
        candidates = chosen(canary.canary_id, await self._fleet.scope(canary.organization_id))
        found: list[str] = []
        for start in range(0, len(candidates), MOST_DEVICES):
            some = candidates[start : start + MOST_DEVICES]
            brought = {
                update.device_uid
                for update in await self._updates.among(some)
                if update.release == canary.release and update.state in _INSTALLED
            }
            found += [
                device.uid
                for device in await self._fleet.among(canary.organization_id, some)
                if device.device_type in types and device.uid not in brought
            ]
            if len(found) >= MOST_DEVICES:
                break
        return found[:MOST_DEVICES]

    async def _means(
        self, uids: Sequence[str], metrics: Collection[str], canary: Canary
    ) -> dict[tuple[str, str], float]:
        """The mean of each device and metric, as far as it has numbers in whole minutes, or hours, of the window."""
        unit = MINUTE if canary.ends - canary.begins <= _BY_MINUTES else HOUR
        totals: dict[tuple[str, str], tuple[float, int]] = {}
        found = self._rollups.summaries(unit, uids, canary.begins, canary.ends, metrics=set(metrics))
        async for uid, _, summaries in found:
            for name, summary in summaries.items():
                total, numbers = totals.get((uid, name), (0.0, 0))
                totals[uid, name] = total + summary.total, numbers + summary.numbers
        return {place: total / numbers for place, (total, numbers) in totals.items() if numbers}
