"""What is told at the end, and what the platform says about it."""

import pytest

from muster_cli.client.accounts import Account
from muster_cli.errors import Unreachable
from muster_cli.simulator import receipts
from muster_cli.simulator.latencies import Latencies
from muster_cli.simulator.receipts import Patience, Receipts
from muster_cli.simulator.report import Report
from muster_cli.simulator.tally import Tally


class Ledger:
    """The platform's account: what it says of sim-1 with each question, the last one for ever; None: no answer."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def accounts(self, _first, _last):
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise Unreachable("nothing answers")
        for uid, stored in (("other-1", 1_000), ("sim-1", answer)):
            counts = {"messages": stored, "undated": 0, "dead": 0, "gaps": 0, "duplicate": 3, "expired": 1}
            yield Account(device_uid=uid, received=stored + 3, stored=stored - 1, **counts)


@pytest.fixture(autouse=True)
def asks_often(monkeypatch):
    monkeypatch.setattr(receipts, "_LEAST_PAUSE_S", 0.01)


async def collected(*answers, expected=50, patience=Patience(60.0, 60.0), all_are_new=True):  # noqa: B008 - frozen
    some = Receipts(Ledger(*answers), {"sim-1"})
    await some.begin(all_are_new=all_are_new)
    await some.collect(expected, patience)
    return some.received


async def test_the_account_is_asked_for_until_all_has_arrived():
    assert await collected(10, None, 30, 50) == 50


async def test_what_the_devices_sent_before_does_not_count():
    assert await collected(100, 120, 150, all_are_new=False) == 50


async def test_what_never_arrives_ends_with_patience():
    assert await collected(30, patience=Patience(0.1, 60.0)) == 30


async def test_a_first_answer_is_waited_for_longer_than_the_last():
    assert await collected(None, None, 30, patience=Patience(0.0, 60.0)) == 30


async def test_a_platform_that_never_answers_has_told_nothing():
    assert await collected(None, patience=Patience(0.1, 0.1)) is None


def report(*, confirmed=50, received=50, is_final=True, failed=0):
    tally = Tally(1, ever_connected=1, sent=confirmed + failed, confirmed=confirmed)
    return Report.of(tally, 10.0, received=received, is_final=is_final)


@pytest.mark.parametrize(
    ("about", "lost", "is_good"),
    [
        ({}, 0, True),
        ({"received": 52}, 0, True),
        ({"received": 49}, 1, False),
        ({"received": 49, "is_final": False}, None, True),
        ({"received": None}, None, True),
        ({"failed": 1}, 0, False),
    ],
)
def test_a_report_is_good_when_nothing_is_known_to_be_missing(about, lost, is_good):
    found = report(**about)
    assert (found.lost, found.is_good) == (lost, is_good)


def test_latencies_are_known_to_five_per_cent():
    latencies = Latencies()
    for ms in range(1, 1_001):
        latencies.add(ms / 1_000.0)
    assert latencies.percentile(0.5) == pytest.approx(500, rel=0.06)
    assert latencies.percentile(0.99) == pytest.approx(990, rel=0.06)
    assert (latencies.percentile(1.0), latencies.longest_ms) == (1_000.0, 1_000.0)
    assert (Latencies().percentile(0.5), Latencies().longest_ms) == (None, None)
