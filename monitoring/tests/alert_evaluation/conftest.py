"""A plant whose devices report, workers that watch them, and a clock that moves only when it is put forward."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from monitoring.alert_evaluation.service import AlertJudge, Examiner, RuleSweep, StreamWatch
from monitoring.alert_rules.schemas import AlertRuleCreate
from monitoring.alert_rules.service import RuleBook, RuleService
from monitoring.alert_rules.store import RuleStore
from monitoring.alerts.service import AlertNews, AlertService, ConditionService
from monitoring.alerts.store import AlertStore
from monitoring.fleet.cache import ScopeCache
from monitoring.fleet.service import FleetService, ScopeMatcher
from monitoring.fleet.store import FleetStore
from monitoring.presence.models import Connection, Presence
from monitoring.presence.service import PresenceService
from monitoring.presence.store import PresenceStore
from monitoring.telemetry.models import Arrival
from monitoring.telemetry.service import TelemetryService
from monitoring.telemetry.store import TelemetryStore
from monitoring.updates.service import UpdateService
from monitoring.updates.store import UpdateStore
from shared.clock import FixedClock, SystemClock
from shared.contracts.presence import DeviceConnected, DeviceDisconnected
from shared.http.preconditions import Expected
from shared.ids import RandomIds

from ..worlds import sample


class StandingClock(FixedClock):
    """However long the steps of a test really take, each look at it is a millisecond later than the one before."""

    def now(self) -> datetime:
        self.advance(timedelta(milliseconds=1))
        return super().now()


class Conditions(ConditionService):
    def __init__(self, *arguments, clock: StandingClock, **options) -> None:
        super().__init__(*arguments, **options)
        self._clock = clock

    async def now(self) -> datetime:
        return self._clock.now()


@dataclass
class Shown:
    items: list = field(default_factory=list)

    def alerts(self, organization_id, items) -> None:
        self.items += [(organization_id, item) for item in items]


@dataclass
class WorkerOf:
    """What one worker has of its own."""

    plant: "Plant"
    watch: StreamWatch
    judge: AlertJudge
    sweeper: RuleSweep

    async def send(self, uid: str, *, ago: float = 0.0, organization_id: int = 1, **metrics) -> None:
        """A sample comes in whose device took it `ago` seconds ago."""
        await self.send_all([uid], ago=ago, organization_id=organization_id, **metrics)

    async def send_all(self, uids, *, ago: float = 0.0, organization_id: int = 1, **metrics) -> None:
        at = self.plant.now()
        one = sample(at - timedelta(seconds=ago), **metrics)
        recorded = await self.plant.telemetry.record([Arrival(uid, one, at, "") for uid in uids])
        await self.watch.observe(recorded.latest, dict.fromkeys(uids, organization_id))

    async def look(self) -> None:
        while await self.judge.look():
            pass


@dataclass
class Plant:
    clock: StandingClock
    rules: RuleService
    alerts: AlertService
    conditions: Conditions
    telemetry: TelemetryService
    presence: PresenceStore
    fleet: FleetService
    store: AlertStore
    shown: Shown
    worker: Callable[..., WorkerOf]
    only: WorkerOf = field(init=False)

    def __post_init__(self) -> None:
        self.only = self.worker(self)

    def now(self) -> datetime:
        return self.clock.now()

    async def advance(self, seconds: float) -> None:
        """Time passes, and what is due then is looked at."""
        self.clock.advance(timedelta(seconds=seconds))
        await self.only.look()

    async def rule(self, condition, *, swept: bool = True, organization_id: int = 1, **members):
        body = AlertRuleCreate.model_validate({"name": "a rule", "condition": condition, **members})
        made = await self.rules.create(organization_id, body, by="7")
        if swept:
            await self.sweep()
        return made

    async def sweep(self) -> None:
        await self.only.sweeper.sweep()
        await self.only.look()

    async def send(self, uid: str, **sample) -> None:
        """A sample comes in and is looked at."""
        await self.only.send(uid, **sample)
        await self.only.look()

    async def connect(self, uid: str, *, online: bool, version: int, heard: bool = True) -> None:
        before = await self.presence.find_all([uid])
        presence = Presence(
            device_uid=uid,
            online=online,
            since=self.now(),
            version=version,
            connection=Connection(1, "", "c"),
            organization_id=1,
            revision=before[0].revision if before else 0,
        )
        assert await self.presence.write([presence], {})
        kind = DeviceConnected if online else DeviceDisconnected
        event = kind(organization_id=1, version=version, device_uid=uid, online=online, since=presence.since)
        if heard:
            await self.only.watch.follow([event])
            await self.only.look()

    async def states(self, uid: str | None = None) -> list[str]:
        """Of the alerts there have been, oldest first."""
        page = await self.alerts.page(1, device_uid=uid, cursor=None, limit=500)
        return [alert.state for alert in reversed(page.items)]

    async def newest(self, uid: str):
        page = await self.alerts.page(1, device_uid=uid, cursor=None, limit=1)
        return page.items[0]

    async def told(self) -> list[tuple[str, str]]:
        """The types of the unsent events and the alerts they are about, by alert."""
        documents = await self.store.collection.find({"outbox": {"$exists": True}}).to_list(None)
        return [(event["type"], one["_id"]) for one in documents for event in one["outbox"]]

    async def watched(self) -> int:
        return await self.store.collection.count_documents({"key": {"$exists": True}})

    async def clear(self, alert_id: str) -> None:
        await self.alerts.clear(1, alert_id, by="7", expected=Expected())
        await self.only.look()


@pytest.fixture
async def plant(database, fleet, organizations, register) -> Plant:
    clock, shown, ids = StandingClock(SystemClock().now()), Shown(), RandomIds()
    rule_store, store, fleet_store = RuleStore(database), AlertStore(database, ids=ids), FleetStore(database)
    telemetry_store, presence_store = TelemetryStore(database), PresenceStore(database)
    for one in (rule_store, store, presence_store):
        await one.prepare()
    await telemetry_store.prepare(undated_for=timedelta(days=7))
    telemetry = TelemetryService(telemetry_store, fleet, organizations, clock=SystemClock())
    news = AlertNews(clock=SystemClock(), ids=ids, source="/monitoring")
    conditions = Conditions(store, news, shown, wake_relay=lambda: None, clock=clock)

    def worker(plant: Plant, *, fresh_s: float = 0.0) -> WorkerOf:
        book = RuleBook(rule_store, fresh_s=0)
        scopes = ScopeMatcher(fleet_store, ScopeCache(fresh_s=0))
        examiner = Examiner(fleet, scopes, telemetry, PresenceService(presence_store, fleet))
        return WorkerOf(
            plant,
            StreamWatch(book, conditions, scopes, wake=lambda: None, fresh_s=fresh_s),
            AlertJudge(book, conditions, examiner, UpdateService(UpdateStore(database))),
            RuleSweep(book, conditions, examiner, fleet),
        )

    await register("pump-1", "pump-2", "pump-3")
    return Plant(
        clock=clock,
        rules=RuleService(rule_store, fleet, ids=ids),
        alerts=AlertService(store, news, shown),
        conditions=conditions,
        telemetry=telemetry,
        presence=presence_store,
        fleet=fleet,
        store=store,
        shown=shown,
        worker=worker,
    )
