"""One run of a fleet: its devices are enrolled, live their course, and what became of it is reported."""

import asyncio
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from muster_cli.client import MusterClient
from muster_cli.connection import Endpoint
from muster_cli.sign_in import SignIn
from muster_cli.simulator.actions import ActingFleet
from muster_cli.simulator.cast import Cast
from muster_cli.simulator.enrolment import Enrolled, Enrolment
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.progress import Progress
from muster_cli.simulator.report import Report
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile
from muster_cli.simulator.updates import UpdatingFleet
from muster_cli.updater.offers import signing_keys
from muster_cli.updater.turns import Turns
from shared.cancellation import end


@dataclass(frozen=True)
class Place:
    """Which platform, and where this machine keeps what the devices remember: `memory` without a suffix."""

    server: str
    broker: Endpoint
    sign_in: SignIn
    memory: Path


async def run(cast: Cast, place: Place, *, renew_tokens: bool, updates: bool) -> Report:
    """Until the cast's time is over or SIGINT or SIGTERM comes. Raises CommandError."""
    allow_open_files(len(cast.devices))
    tally = Tally(len(cast.devices))
    flash = Flash(place.memory.with_suffix(".flash"))
    progress = asyncio.create_task(Progress(tally).show())
    try:
        enrolled = await _enrolled(cast, place, flash, tally, renew_tokens=renew_tokens, updates=updates)
        async with Turns.open(place.server) as (http, turns):
            updating = UpdatingFleet(http, turns, signing_keys(flash.keys()), flash, tally)
            fleet = Fleet(
                cast.devices,
                enrolled,
                broker=place.broker,
                connects_per_second=cast.connects_per_second,
                tally=tally,
                updating=updating if updates else None,
                acting=ActingFleet(flash, tally),
            )
            started = time.monotonic()
            with _interrupts(fleet.stop):
                await fleet.run(cast.duration)
            return Report.of(tally, time.monotonic() - started)
    finally:
        await end([progress])
        flash.close()


async def _enrolled(
    cast: Cast, place: Place, flash: Flash, tally: Tally, *, renew_tokens: bool, updates: bool
) -> dict[str, Enrolled]:
    tokens = TokenFile(place.memory.with_suffix(".json"))
    if renew_tokens:
        tokens.forget()
    async with MusterClient.open(place.server, place.sign_in) as client:
        enrolment = Enrolment(client, tokens, tally)
        enrolled = await enrolment.enrol(cast.devices)
        if updates and (tally.tokens_issued or not flash.keys()):
            flash.burn(await enrolment.manifest_keys())
    return enrolled


@contextmanager
def _interrupts(stop: Callable[[], None]) -> Generator[None]:
    """SIGINT and SIGTERM call `stop`; a second one ends the command at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - within a coroutine there is one
    received = False

    def interrupt() -> None:
        nonlocal received
        if received:
            task.cancel()
        received = True
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
