"""A job that has not succeeded everywhere says why, where and what to do."""

import json
from collections.abc import Callable

from click.testing import Result

from .conftest import Platform

Muster = Callable[..., Result]
START = ("config", "job", "start", "mode=eco", "--wait")


def on(*uids: str) -> list[str]:
    return [word for uid in uids for word in ("--device", uid)]


def test_one_that_failed_tells_each_reason_with_some_devices_and_the_next_step(platform: Platform, muster: Muster):
    platform.workshop.failing = {
        "pump-1": "timed_out",
        **{f"pump-{number}": "out of\tpaper" for number in range(2, 6)},
        "pump-6": None,
    }
    ended = muster(*START, *on(*(f"pump-{number}" for number in range(1, 9))))
    assert ended.exit_code == 1
    assert "Failed: 6\nSucceeded: 2\n" in ended.stdout
    assert ended.stderr.endswith(
        "failed, out of paper: 4 (pump-2, pump-3, pump-4, ...)\n"
        "failed, timed_out: 1 (pump-1)\n"
        "failed, no reason given: 1 (pump-6)\n"
        "error: it failed for 6 of 8 devices; `muster config job retry job-1` asks them again, "
        "`muster config job show job-1 --devices --state failed` lists them\n"
    )
    watched = muster("config", "job", "watch", "job-1", "--json")
    assert (watched.exit_code, json.loads(watched.stdout)["id"]) == (1, "job-1")
    assert "failed, timed_out: 1 (pump-1)\n" in watched.stderr


def test_as_many_reasons_as_there_are_devices_do_not_fill_the_screen(platform: Platform, muster: Muster):
    platform.workshop.failing = {f"pump-{number}": f"error {number}" for number in range(30)}
    ended = muster(*START, *on(*platform.workshop.failing))
    assert ended.stderr.count("failed, error") == 10
    assert "failed, for other reasons: 20\n" in ended.stderr


def test_one_that_succeeded_everywhere_says_nothing_more(muster: Muster):
    ended = muster(*START, *on("pump-1"))
    assert (ended.exit_code, "failed" in ended.stderr, "error" in ended.stderr) == (0, False, False)


def test_one_that_is_paused_says_how_it_goes_on(platform: Platform, muster: Muster):
    platform.workshop.state = "paused"
    ended = muster(*START, *on("pump-1"))
    assert ended.exit_code == 1
    assert ended.stderr.endswith("error: the job is paused; `muster config job resume job-1` goes on with it\n")


def test_one_that_was_cancelled_says_so(platform: Platform, muster: Muster):
    platform.workshop.state = "cancelled"
    ended = muster(*START, *on("pump-1"))
    assert (ended.exit_code, ended.stderr.endswith("error: the job was cancelled\n")) == (1, True)
