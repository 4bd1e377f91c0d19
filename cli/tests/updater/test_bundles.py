"""A device installs several parts, in order and only together, and stops when it is asked to as long as it can."""

import asyncio

import pytest

from muster_cli.updater.memory import Image, Memory
from muster_cli.updater.turns import Turns
from muster_cli.updater.updater import Outcome
from shared.testing import eventually

from .test_updater import ALL_STEPS, World

BOOT, RADIO, OTHER = (bytes([number]) * 100_000 for number in (1, 2, 3))


@pytest.fixture
async def world(ota, machine):
    async with Turns.open(ota.server, timeout_s=5.0) as (http, turns):
        yield World(ota, machine, http, turns)


def files(ota):
    return [call.removeprefix("GET ") for call in ota.calls if call in {"GET 1", "GET 2", "GET 3"}]


async def test_all_parts_are_loaded_in_order_and_installed_at_once(world, ota, machine):
    ota.open_bundle(BOOT, RADIO)
    await world.run()
    assert (ota.steps(), files(ota)) == (ALL_STEPS, ["1", "2"])
    assert (len(machine.written), machine.boots) == (1, 1)
    assert machine.memory.releases == {"part-1": 1, "part-2": 1}


async def test_each_part_is_resumed_where_it_was_cut(world, ota):
    ota.open_bundle(BOOT, RADIO)
    ota.cuts = [40_000, 10**9, 60_000]
    await world.run()
    assert ota.state == "completed"
    assert "bytes=40000-" in ota.ranges


async def test_a_part_of_another_release_is_never_run(world, ota):
    ota.open_bundle(BOOT, RADIO)
    ota.images[1] = OTHER
    await world.refused("wrong_sha256")


async def test_swapped_parts_are_never_run(world, ota):
    ota.open_bundle(BOOT, RADIO)
    ota.images.reverse()
    await world.refused("wrong_sha256")


async def test_a_manifest_whose_outside_is_another_releases_is_refused(world, ota):
    ota.open_bundle(BOOT, RADIO, release_counter=7)
    await world.refused("mixed_parts")
    assert ota.ranges == []


@pytest.mark.parametrize("offered", [1, 3])
async def test_more_or_fewer_images_than_parts_are_refused(world, ota, offered):
    ota.open_bundle(BOOT, RADIO)
    ota.offer["downloads"] = (ota.offer["downloads"] * 2)[:offered]
    await world.refused("missing_parts")


async def test_one_part_elsewhere_is_enough_to_refuse_all(world, ota):
    ota.open_bundle(BOOT, RADIO)
    ota.offer["downloads"][1] = "//127.0.0.1:9/x"
    await world.refused("foreign_download")


async def test_an_older_release_of_any_part_is_refused_also_of_one_that_came_before_the_last(world, ota, machine):
    running = Image(session="session-1", name="part-1", version="1", release_counter=1)
    machine.memory = Memory(running=running, counter=1, releases={"part-1": 1, "part-2": 9})
    ota.open_bundle(BOOT, RADIO, number=2)
    await world.refused("older_release")


def test_what_came_before_the_last_update_is_not_forgotten():
    bundle = Image(session="session-1", name="part-1", version="1", release_counter=9, parts={"part-2": 8})
    other = Image(session="session-2", name="pump-os", version="1", release_counter=1)
    memory = Memory().with_staged(bundle).booted(1).with_staged(other).booted(2)
    assert [memory.release_of(name) for name in ("part-1", "part-2", "pump-os")] == [9, 8, 1]


async def test_a_held_update_is_left_alone(world, ota):
    ota.open(state="held")
    await world.run()
    assert (ota.reports, ota.ranges, world.outcomes) == ([], [], [])


async def test_a_device_that_can_still_stop_says_that_it_has(world, ota, machine):
    ota.open()
    ota.chunk_pause_s = 0.05
    updater = world.updater()
    running = asyncio.create_task(updater.run())
    await eventually(lambda: ota.ranges)
    ota.session["state"] = "cancelling"
    updater.cancel("session-1")
    await asyncio.wait_for(running, 60)
    assert (ota.state, ota.reports[-1][0]) == ("cancelled", "cancelled")
    assert world.outcomes == [(Outcome.STOPPED, None)]
    assert (machine.written, machine.boots, machine.memory.staged) == ([], 0, None)


async def test_a_device_that_comes_back_to_a_cancellation_stops(world, ota, machine):
    ota.open(state="cancelling")
    await world.run()
    assert (ota.state, ota.ranges, machine.boots) == ("cancelled", [], 0)


async def test_a_device_that_has_installed_it_already_refuses_and_goes_on(world, ota, machine):
    ota.open(state="cancelling")
    machine.memory = Memory(staged=Image(session="session-1", name="pump-os", version="1.1.0", release_counter=1))
    await world.run()
    assert (ota.state, ota.steps()) == ("completed", ["refuse-cancel", "flashed", "complete"])
    assert machine.boots == 1
