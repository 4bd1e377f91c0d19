"""Turns, backoff and sleeps that can be cut short."""

import asyncio

import pytest

from muster_cli.simulator.pace import Nap, Pace, backoff


def test_turns_keep_their_distance():
    pace = Pace(10)
    assert [pace.turn(5.0) for _ in range(3)] == pytest.approx([5.0, 5.1, 5.2])
    assert pace.turn(9.0) == 9.0


def test_backoff_grows_and_stays_bounded():
    assert max(backoff(0) for _ in range(100)) <= 0.5
    assert max(backoff(2) for _ in range(100)) <= 2.0
    assert 5.0 < max(backoff(500) for _ in range(200)) <= 30.0


async def test_a_nap_ends_when_woken():
    nap = Nap()
    loop = asyncio.get_running_loop()
    sleeping = asyncio.create_task(nap.until(loop.time() + 60))
    await asyncio.sleep(0)
    nap.wake()
    nap.wake()
    await asyncio.wait_for(sleeping, 60)


async def test_a_nap_ends_at_its_time_whatever_woke_the_one_before():
    nap = Nap()
    nap.wake()
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.05
    await nap.until(until)
    assert loop.time() >= until
