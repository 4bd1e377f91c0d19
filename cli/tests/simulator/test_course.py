"""What befalls a device: the seed decides all of it, and nothing else does."""

import math
from itertools import islice, pairwise

import pytest

from muster_cli.simulator.chance import Chance
from muster_cli.simulator.conditions import Clock, Conditions, Network, Offline, Updating
from muster_cli.simulator.course import Course, Herd, Outage, Stage, Timeline
from muster_cli.simulator.quantities import Span

SPELLS = Offline(every=Span(60, 60), lasts=Span(5, 10))
DROPS = Network(drops_every=Span(20, 20), away=Span(0, 3), delay=Span(0.1, 0.4))


def course(conditions: Conditions, *, seed: int = 1, uid: str = "sim-0001", herds: tuple[Herd, ...] = ()) -> Course:
    return Course(Timeline([Stage(0.0, conditions)], herds), seed=seed, uid=uid)


def first(some: Course, count: int = 20) -> list[Outage]:
    return list(islice(some.outages(), count))


def test_numbers_are_the_same_in_every_process_and_on_every_machine():
    assert [Chance(7, "sim-0001").nth(number) for number in range(3)] == [
        0.8726531914582117,
        0.3611277713991644,
        0.11616093044477549,
    ]


def test_numbers_are_spread_evenly_and_those_of_a_normal_distribution_normally():
    chance = Chance("spread")
    evenly = [chance.random() for _ in range(4_000)]
    assert 0.0 <= min(evenly) < 0.01
    assert 0.99 < max(evenly) < 1.0
    assert sum(evenly) / 4_000 == pytest.approx(0.5, abs=0.03)
    normally = [chance.gauss(10.0, 2.0) for _ in range(4_000)]
    mean = sum(normally) / 4_000
    assert mean == pytest.approx(10.0, abs=0.2)
    assert math.sqrt(sum((one - mean) ** 2 for one in normally) / 4_000) == pytest.approx(2.0, abs=0.2)


def test_the_same_seed_gives_a_device_the_same_course_in_whichever_order_it_is_asked():
    conditions = Conditions(offline=SPELLS, network=DROPS, updates=Updating(flash_fails=0.5))
    one, again = course(conditions), course(conditions)
    fails = [one.write_fails(number, 0.0) for number in range(50)]
    assert first(one) == first(again)
    assert [again.write_fails(number, 0.0) for number in reversed(range(50))] == fails[::-1]
    assert [one.delay(number, 5.0) for number in range(9)] == [again.delay(number, 5.0) for number in range(9)]
    assert {True, False} == set(fails)


def test_another_seed_and_another_device_have_other_courses():
    conditions = Conditions(network=DROPS)
    courses = [course(conditions), course(conditions, seed=2), course(conditions, uid="sim-0002")]
    assert len({tuple(first(one)) for one in courses}) == 3


def test_outages_come_in_order_and_never_meet():
    outages = first(course(Conditions(offline=SPELLS, network=DROPS), herds=(Herd(100.0, 30.0, 1.0),)), 100)
    assert all(before.end < after.start for before, after in pairwise(outages))
    assert any(outage.start <= 100.0 and outage.end >= 130.0 for outage in outages)


def test_spells_befall_the_share_of_the_devices_that_was_asked_for():
    conditions = Conditions(offline=SPELLS.model_copy(update={"share": 0.3}))
    affected = sum(bool(first(course(conditions, uid=f"sim-{number}"), 1)) for number in range(1_000))
    assert 250 < affected < 350


def test_a_herd_goes_and_comes_back_together():
    herds = (Herd(60.0, 10.0, 0.5),)
    found = [first(course(Conditions(), uid=f"sim-{number}", herds=herds)) for number in range(200)]
    assert {tuple(outages) for outages in found} == {(), (Outage(60.0, 70.0, herd=True),)}
    assert 60 < sum(bool(outages) for outages in found) < 140


def test_a_phase_has_its_own_outages_and_leaves_those_before_it_alone():
    calm = Conditions()
    phased = Timeline([Stage(0.0, calm), Stage(100.0, Conditions(network=DROPS)), Stage(200.0, calm)])
    outages = first(Course(phased, seed=1, uid="sim-0001"))
    assert outages
    assert all(100.0 <= outage.start < 200.0 for outage in outages)


def test_a_clock_is_off_by_its_skew_and_drifts():
    some = course(Conditions(clock=Clock(skew=Span(-60, -60), drift=Span(36, 36))))
    assert [some.clock_error(elapsed) for elapsed in (0.0, 100.0, 3_600.0)] == pytest.approx([-60.0, -59.0, -24.0])


def test_a_clock_jumps_and_has_its_skew_again_after_a_phase():
    jumpy = Conditions(clock=Clock(jumps_every=Span(10, 10), jump=Span(-500, 500)))
    skewed = Conditions(clock=Clock(skew=Span(-1_000, 1_000)))
    some = Course(Timeline([Stage(0.0, skewed), Stage(50.0, jumpy), Stage(100.0, skewed)]), seed=1, uid="sim-0001")
    assert some.clock_error(10.0) == some.clock_error(150.0) != 0.0
    assert len({some.clock_error(elapsed) for elapsed in range(50, 100)}) > 3


def test_a_course_without_conditions_is_calm():
    some = course(Conditions())
    assert (first(some), some.clock_error(9.0), some.delay(3, 9.0)) == ([], 0.0, 0.0)
    assert (some.bytes_per_second(9.0), some.write_fails(0, 9.0)) == (None, False)
