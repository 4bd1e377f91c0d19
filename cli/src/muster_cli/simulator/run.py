"""One run of a fleet: its devices are enrolled, live their course, and what became of it is reported."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from muster_cli.client import MusterClient
from muster_cli.connection import Endpoint
from muster_cli.sign_in import SignIn
from muster_cli.simulator.actions import ActingFleet
from muster_cli.simulator.cast import Cast
from muster_cli.simulator.enrolment import Enrolment
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.progress import Progress
from muster_cli.simulator.receipts import Patience, Receipts
from muster_cli.simulator.report import Report
from muster_cli.simulator.signals import answering
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile
from muster_cli.simulator.updates import UpdatingFleet
from muster_cli.updater.offers import signing_keys
from muster_cli.updater.turns import Turns
from shared.cancellation import end

_INTERRUPTED_S = 3.0
"""How long somebody who wants to leave waits for the platform's account to catch up."""

_ANSWER_S = 15.0
"""How long they wait for any account at all."""


@dataclass(frozen=True)
class Place:
    """Which platform, and where this machine keeps what the devices remember: `memory` without a suffix."""

    server: str
    broker: Endpoint
    sign_in: SignIn
    memory: Path


@dataclass(frozen=True)
class Ways:
    """Whether tokens are issued anew, whether devices take updates, and how many seconds the account is awaited.

    With 0 the platform is not asked what it received.
    """

    renew_tokens: bool
    updates: bool
    account_s: float


async def run(cast: Cast, place: Place, ways: Ways) -> Report:
    """Until the cast's time is over or SIGINT or SIGTERM comes. Raises CommandError."""
    allow_open_files(len(cast.devices))
    tally = Tally(len(cast.devices))
    flash = Flash(place.memory.with_suffix(".flash"))
    tokens = TokenFile(place.memory.with_suffix(".json"))
    if ways.renew_tokens:
        tokens.forget()
    progress = asyncio.create_task(Progress(tally).show())
    try:
        async with (
            MusterClient.open(place.server, place.sign_in) as client,
            Turns.open(place.server) as (http, turns),
        ):
            enrolment = Enrolment(client, tokens, tally)
            enrolled = await enrolment.enrol(cast.devices)
            if ways.updates and (tally.tokens_issued or not flash.keys()):
                flash.burn(await enrolment.manifest_keys())
            receipts = Receipts(client, enrolled.keys())
            if ways.account_s:
                await receipts.begin(all_are_new=not tally.found)
            fleet = Fleet(
                cast.devices,
                enrolled,
                broker=place.broker,
                connects_per_second=cast.connects_per_second,
                tally=tally,
                updating=UpdatingFleet(http, turns, signing_keys(flash.keys()), flash, tally) if ways.updates else None,
                acting=ActingFleet(flash, tally),
            )
            started = time.monotonic()
            was_interrupted = await _live(fleet, cast.duration)
            lasted = time.monotonic() - started
            if ways.account_s:
                patience = Patience(ways.account_s, ways.account_s)
                if was_interrupted:
                    patience = Patience(min(ways.account_s, _INTERRUPTED_S), min(ways.account_s, _ANSWER_S))
                was_interrupted |= await _collect(receipts, tally.confirmed, patience)
    finally:
        await end([progress])
        flash.close()
    is_final = bool(ways.account_s) and not was_interrupted
    return Report.of(tally, lasted, received=receipts.received, is_final=is_final)


async def _live(fleet: Fleet, duration: float | None) -> bool:
    """Whether a signal has ended it early. A second one raises CancelledError."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - within a coroutine there is one
    with answering(fleet.stop, task.cancel) as signals:
        await fleet.run(duration)
    return signals.count > 0


async def _collect(receipts: Receipts, expected: int, patience: Patience) -> bool:
    """Whether a signal has ended it early."""
    collecting = asyncio.create_task(receipts.collect(expected, patience))
    with answering(collecting.cancel) as signals:
        await asyncio.wait([collecting])
    if not collecting.cancelled():
        collecting.result()
    return signals.count > 0
