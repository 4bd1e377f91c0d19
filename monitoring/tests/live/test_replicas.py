"""Several replicas of the api on one broker."""

from monitoring.app import build
from shared.contracts.live import TelemetryItem
from shared.testing import eventually
from shared.testing.attack import served


async def test_each_replica_tells_its_own_people(person, register, frames, settings):
    await register("pump-1")
    async with served(build(settings)) as another:
        people = [person(), person()]
        people[1].address = another
        for one in people:
            await one.connect()
            assert (await one.ask("subscribe", {"topics": ["telemetry"]}))["ok"]
        frames.telemetry(1, [TelemetryItem("pump-1", 1, {"temperature": 7.0})])
        await eventually(lambda: all(one.of("telemetry") for one in people))
        assert people[0].of("telemetry") == people[1].of("telemetry")
        await people[1].client.disconnect()


async def test_what_is_too_much_for_one_message_of_the_broker_comes_as_several(person, register, frames):
    uids = [f"pump-{number}" for number in range(12)]
    await register(*uids)
    one = person()
    await one.connect()
    assert (await one.ask("subscribe", {"topics": ["telemetry"]}))["ok"]
    long = {f"m{number}": "x" * 1_000 for number in range(100)}
    frames.telemetry(1, [TelemetryItem(uid, 1, long) for uid in uids])

    def seen() -> set[str]:
        return {item["device_uid"] for data in one.of("telemetry") for item in data["items"]}

    await eventually(lambda: seen() == set(uids))
