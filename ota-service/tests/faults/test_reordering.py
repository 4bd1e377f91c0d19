"""Events that come twice, late and in any order, through the broker and by two workers: the end is the same."""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from ota_service.actions.consumers import ActionConsumer
from ota_service.canaries.consumers import CanaryConsumer
from ota_service.canaries.schemas import Criteria
from ota_service.canaries.service import CanaryService
from ota_service.fleet.consumers import FleetConsumer
from ota_service.sessions.consumers import PresenceConsumer
from shared.contracts.actions import ActionCancelled, ActionStarted, ActionState, ActionTimedOut
from shared.contracts.canaries import CanaryJudged
from shared.contracts.devices import DeviceChanged, DeviceState
from shared.contracts.envelope import Envelope, EventData
from shared.contracts.presence import DeviceConnected, DeviceDisconnected, PresenceState
from shared.messaging import topology
from shared.messaging.consumer import EventConsumer, HandleEvents
from shared.messaging.publisher import Publisher
from shared.testing import eventually
from shared.worker import in_background

from ..news import envelope, published
from ..sessions import ledger

DEVICES = [f"valve-{number:02d}" for number in range(12)]
VERSIONS = 6
QUEUES = {
    topology.OTA_FLEET_QUEUE: FleetConsumer,
    topology.OTA_PRESENCE_QUEUE: PresenceConsumer,
    topology.OTA_ACTIONS_QUEUE: ActionConsumer,
    topology.OTA_CANARY_QUEUE: CanaryConsumer,
}
ENDINGS: list[tuple[type[ActionState], ...]] = [(), (ActionCancelled,), (ActionTimedOut,)]
VERDICTS = ["passed", "failed", "inconclusive", "passed"]
NOW = datetime.now(UTC)


@pytest.fixture
async def canaries(app, draw_up, sql):
    """What monitoring was asked of four waves."""
    await draw_up(25, 25, 25, 25)
    asked = []
    async with app.state.scopes() as scope:
        for wave in await sql.fetch("select id, release_id from release_waves order by position"):
            criteria = Criteria(min_devices=2)
            canary = await scope.get(CanaryService).ask(1, wave["release_id"], wave["id"], criteria, now=NOW)
            asked.append(canary.id)
    return asked


@pytest.fixture
def handled() -> Counter[UUID]:
    """How often each event was taken in to the end."""
    return Counter()


@pytest.fixture
def two_workers(app, broker, handled):
    """Both consume until the block ends."""

    def counted(handle: HandleEvents) -> HandleEvents:
        async def counting(envelopes: Sequence[Envelope]) -> None:
            await handle(envelopes)
            handled.update(envelope.id for envelope in envelopes)

        return counting

    def consuming() -> AbstractAsyncContextManager[None]:
        return in_background(
            {
                f"{queue} {number}": EventConsumer(broker, queue, counted(consumer(app.state.scopes)), batch=7).run
                for queue, consumer in QUEUES.items()
                for number in range(2)
            }
        )

    return consuming


def fleet(uid: str, number: int) -> list[DeviceState]:
    return [
        DeviceChanged(
            organization_id=1,
            version=version,
            device_id=1_000 + number,
            device_uid=uid,
            name=f"as of {version}",
            lifecycle="deployed",
            min_token_generation=1,
            registered_at=NOW,
            updated_at=NOW,
        )
        for version in range(1, VERSIONS + 1)
    ]


def presence(uid: str, ends_online: bool) -> list[PresenceState]:
    return [
        (DeviceConnected if online else DeviceDisconnected)(
            organization_id=1, version=version, device_uid=uid, online=online, since=NOW
        )
        for version in range(1, VERSIONS + 1)
        for online in [((VERSIONS - version) % 2 == 0) == ends_online]
    ]


def action(uid: str, number: int, firmware_id: int, *kinds: type[ActionState]) -> list[ActionState]:
    return [
        kind(
            organization_id=1,
            version=version,
            action_id=number,
            device_id=1_000 + number,
            device_uid=uid,
            action_type="firmware_update",
            params={"firmware_id": firmware_id},
            priority=0,
            state="running",
            attempt=1,
            requested_by="7",
            requested_at=NOW,
            deadline=NOW + timedelta(hours=1),
            updated_at=NOW,
        )
        for version, kind in enumerate(kinds, start=2)
    ]


def judged(canary_id: int, verdict: str, *, organization_id: int = 1) -> CanaryJudged:
    return CanaryJudged(
        organization_id=organization_id,
        version=1,
        canary_id=canary_id,
        release="rel-1",
        wave="rel-1-wave-1",
        verdict=verdict,
        detail=verdict,
        figures=[],
        judged_at=NOW,
    )


async def test_whatever_comes_twice_and_out_of_order_ends_the_same(
    broker, two_workers, handled, canaries, firmware, sql
):
    random = Random(1)  # noqa: S311 - no secret
    news: list[EventData] = []
    for number, uid in enumerate(DEVICES):
        news += fleet(uid, number) + presence(uid, ends_online=number % 2 == 0)
        news += action(uid, number, firmware, ActionStarted, *ENDINGS[number % len(ENDINGS)])
    for canary_id, verdict in zip(canaries, VERDICTS, strict=True):
        news += [judged(canary_id, verdict), judged(canary_id, "failed", organization_id=2)]
    events = random.choices([envelope(data) for data in news], k=len(news)) + [envelope(data) for data in news]
    random.shuffle(events)

    async with two_workers():
        outcomes = await Publisher(broker).publish_all([published(event) for event in events])
        assert set(outcomes) == {None}
        wanted = Counter(event.id for event in events)
        await eventually(lambda: handled >= wanted, interval=0.1, why="every event is taken in")

    known = {row["device_uid"]: row["name"] for row in await sql.fetch("select device_uid, name from fleet_devices")}
    assert {known[uid] for uid in DEVICES} == {f"as of {VERSIONS}"}
    present = await sql.fetch("select device_uid, online, version from device_presences order by 1")
    assert [tuple(row) for row in present] == [(uid, number % 2 == 0, VERSIONS) for number, uid in enumerate(DEVICES)]
    verdicts = await sql.fetch("select id, verdict from release_canaries order by id")
    assert [tuple(row) for row in verdicts] == list(zip(canaries, VERDICTS, strict=True))
    sessions = await sql.fetch("select device_uid, state from update_sessions order by 1")
    assert [row["device_uid"] for row in sessions if row["state"] == "initiated"] == [
        uid for number, uid in enumerate(DEVICES) if not ENDINGS[number % len(ENDINGS)]
    ], "what has ended is carried out, or what has not is not"
    assert {row["state"] for row in sessions} <= {"initiated", "cancelled"}
    assert len({row["device_uid"] for row in sessions}) == len(sessions), "an action was carried out twice"
    await ledger.check(sql)
