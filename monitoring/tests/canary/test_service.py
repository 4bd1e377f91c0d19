"""Canaries on a real store: what is compared, when, and that a question is answered once."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from monitoring.canary.consumers import CanaryConsumer
from monitoring.canary.service import CanaryService
from monitoring.canary.store import CanaryStore
from monitoring.rollups.models import Bucket, DeviceHour, Rollup
from monitoring.rollups.service import RollupService
from monitoring.rollups.store import RollupStore
from monitoring.updates.service import UpdateService, UpdateTracker
from monitoring.updates.store import UpdateStore
from shared.clock import SystemClock
from shared.contracts.canaries import CanaryMetric, CanaryRequest
from shared.contracts.releases import ReleaseCanaryRequested
from shared.ids import RandomIds
from shared.outbox.documents import OUTBOX_FIELD

from ..worlds import envelope_of, update_state

BEGINS = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
WAVE = [f"wave-{number}" for number in range(6)]
OTHERS = [f"other-{number}" for number in range(6)]


class NoFrames:
    def updates(self, organization_id, items):
        pass


class Alerts:
    """Whoever has opened alerts."""

    def __init__(self):
        self.devices = {}

    async def opened_between(self, organization_id, uids, start, end):
        assert (organization_id, start) == (1, BEGINS)
        return {uid: number for uid, number in self.devices.items() if uid in uids}


@pytest.fixture
def alerts():
    return Alerts()


@pytest.fixture
async def store(database):
    store = CanaryStore(database)
    await store.prepare()
    return store


@pytest.fixture
async def canaries(database, store, fleet, alerts, register):
    """Two sorts of devices, of which one sort is in the wave."""
    await register(*WAVE, *OTHERS, device_type="pump")
    await register("valve-1", device_type="valve")
    await register("theirs", organization_id=2, device_type="pump")
    updates = UpdateStore(database)
    await updates.prepare()
    return CanaryService(
        store,
        fleet,
        UpdateService(updates),
        RollupService(RollupStore(database)),
        alerts,
        clock=SystemClock(),
        ids=RandomIds(),
        source="/monitoring",
        wake_relay=lambda: None,
    )


@pytest.fixture
def brought(database):
    """The newest updates of devices."""
    tracker = UpdateTracker(UpdateStore(database), NoFrames())

    async def brought(*uids, counter=1, state="completed", release="rel-1", wave="wave-1"):
        states = [update_state(uid, counter=counter, state=state) for uid in uids]
        await tracker.follow([one.model_copy(update={"release": release, "wave": wave}) for one in states])

    return brought


@pytest.fixture
def say(database):
    """What a device measures in the window, as minutes of its hour."""
    rollups = RollupStore(database)

    async def say(uid, value, *, minute=5, metric="temperature"):
        rollup = Rollup()
        rollup.add(0, value)
        hour = DeviceHour(uid, int(BEGINS.timestamp()) // 3600)
        number = int(BEGINS.timestamp()) // 60 + minute
        await rollups.put_minutes({hour: {number: Bucket(1, {}, {metric: rollup})}})

    return say


def request(**differs):
    asked = {
        "canary_id": 7,
        "wave": "wave-1",
        "metrics": [CanaryMetric(metric="temperature", worse="higher", tolerance_percent=10)],
        "alerts": True,
        "min_devices": 5,
        "begins": BEGINS,
        "ends": BEGINS + timedelta(minutes=10),
    } | differs
    return ReleaseCanaryRequested(
        organization_id=1,
        version=4,
        release_id=1,
        slug="rel-1",
        name="January",
        state="running",
        waves=[],
        created_by="7",
        created_at=BEGINS,
        updated_at=BEGINS,
        canary=CanaryRequest(**asked),
    )


@pytest.fixture
def ask(canaries):
    async def ask(**differs):
        event = envelope_of(request(**differs))
        await CanaryConsumer(canaries)([event, event])

    return ask


@pytest.fixture
def answers(store):
    async def answers():
        """What is to be told, in no order."""
        documents = await store.collection.find({f"{OUTBOX_FIELD}.id": {"$exists": True}}).to_list(None)
        return [json.loads(event["payload"])["data"] for one in documents for event in one[OUTBOX_FIELD]]

    return answers


@pytest.mark.parametrize(("value", "verdict"), [(20.5, "passed"), (30, "failed")])
async def test_a_wave_is_compared_with_devices_of_its_type(canaries, ask, brought, say, answers, value, verdict):
    await brought(*WAVE)
    for number, uid in enumerate(WAVE):
        await say(uid, value + number / 10)
    for number, uid in enumerate(OTHERS):
        await say(uid, 20 + number / 10)
    await say("valve-1", 900)
    await say("theirs", 900)
    await say(OTHERS[0], 900, minute=11)
    await ask()
    await canaries.judge_due()
    [answer] = await answers()
    assert (answer["canary_id"], answer["release"], answer["wave"], answer["verdict"]) == (
        7,
        "rel-1",
        "wave-1",
        verdict,
    )
    temperature, of_alerts = answer["figures"]
    assert (temperature["devices"], temperature["others"], temperature["others_mean"]) == (6, 6, 20.25)
    assert (of_alerts["metric"], of_alerts["verdict"], of_alerts["mean"]) == (None, "passed", 0)


async def test_alerts_of_a_waves_devices_fail_it(canaries, ask, brought, answers, alerts):
    await brought(*WAVE)
    alerts.devices = dict.fromkeys(WAVE[:5], 1)
    await ask(metrics=[])
    await canaries.judge_due()
    assert [answer["verdict"] for answer in await answers()] == ["failed"]


async def test_only_devices_that_still_run_what_the_wave_brought_speak_for_it(canaries, ask, brought, answers):
    await brought(*WAVE)
    await brought(WAVE[0], counter=2, release="rel-2", wave="wave-9")
    await brought(WAVE[1], counter=2, wave=None)
    await brought(OTHERS[0], state="flashed", wave="wave-2")
    await ask(metrics=[])
    await canaries.judge_due()
    [answer] = await answers()
    [figure] = answer["figures"]
    assert (answer["verdict"], figure["devices"], figure["others"]) == ("inconclusive", 4, 6)


async def test_a_window_is_judged_once_it_is_over_and_never_twice(canaries, ask, store, answers):
    await ask(ends=datetime.now(UTC) + timedelta(minutes=5))
    await canaries.judge_due()
    assert await answers() == []
    await store.collection.update_one({"_id": 7}, {"$set": {"due_at": BEGINS}})
    await asyncio.gather(*(canaries.judge_due() for _ in range(3)))
    await ask()
    await canaries.judge_due()
    [answer] = await answers()
    assert answer["verdict"] == "inconclusive"
