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
