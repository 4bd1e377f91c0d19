"""`muster simulate`: a fleet of devices to look at."""

import asyncio
import re
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated

import typer

from muster_cli.client import MusterClient
from muster_cli.command import Invocation, platform_command
from muster_cli.connection import Endpoint
from muster_cli.errors import BadUsage
from muster_cli.simulator.actions import ActingFleet
from muster_cli.simulator.enrolment import Enrolment
from muster_cli.simulator.flash import Flash
from muster_cli.simulator.fleet import Fleet, allow_open_files
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.progress import Progress
from muster_cli.simulator.report import Report
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile
from muster_cli.simulator.updates import UpdatingFleet
from muster_cli.updater.offers import signing_keys
from muster_cli.updater.turns import Turns

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,56}")


@platform_command
async def simulate(
    invocation: Invocation,
    devices: Annotated[int, typer.Option(min=1, max=50_000, help="How many devices.")] = 25,
    rate: Annotated[float, typer.Option(min=0.001, max=100.0, help="Samples a second and device.")] = 1.0,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Seconds to run. Default: until interrupted.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same devices and the same values.")] = 0,
    prefix: Annotated[str, typer.Option(help="What the devices' uids begin with.")] = "sim",
    mqtt: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The broker. Default: the stack's or the server's."),
    ] = None,
    connect_rate: Annotated[float, typer.Option(min=1.0, help="New connections a second, at most.")] = 200.0,
    renew_tokens: Annotated[bool, typer.Option("--renew-tokens", help="Issue new tokens, reuse none.")] = False,
    updates: Annotated[bool, typer.Option(help="Whether the devices take updates.")] = True,
    link_speed: Annotated[
        float | None, typer.Option(min=1.0, help="KiB a second and device, for downloads. Default: any.")
    ] = None,
) -> None:
    """Simulate devices that register, sign in to the broker, publish telemetry, take updates and do actions.

    They go on until interrupted. Devices, tokens, firmware and configuration are kept: the next run finds them again.
    """
    connection = invocation.connection
    if not _PREFIX.fullmatch(prefix):
        raise BadUsage(f'"{prefix}" cannot begin a uid', "use up to 56 of the characters A-Z a-z 0-9 _ -")
    broker = Endpoint.parse(mqtt) if mqtt else connection.mqtt
    sign_in = connection.sign_in()
    allow_open_files(devices)
    population = [simulated_device(prefix, number, seed) for number in range(1, devices + 1)]
    tokens = TokenFile(connection.state_dir / "simulator" / f"{prefix}.json")
    flash = Flash(connection.state_dir / "simulator" / f"{prefix}.flash")
    if renew_tokens:
        tokens.forget()
    tally = Tally(devices)
    speed = link_speed * 1024 if link_speed else None
    progress = asyncio.create_task(Progress(tally).show())
    try:
        async with MusterClient.open(connection.server, sign_in) as client:
            enrolment = Enrolment(client, tokens, tally)
            enrolled = await enrolment.enrol(population)
            if updates and (tally.tokens_issued or not flash.keys()):
                flash.burn(await enrolment.manifest_keys())
        async with Turns.open(connection.server) as (http, turns):
            shared = UpdatingFleet(http, turns, signing_keys(flash.keys()), flash, tally, bytes_per_second=speed)
            fleet = Fleet(
                population,
                enrolled,
                broker=broker,
                rate=rate,
                connects_per_second=connect_rate,
                tally=tally,
                updating=shared if updates else None,
                acting=ActingFleet(flash, tally),
            )
            started = time.monotonic()
            with _interrupts(fleet.stop):
                await fleet.run(duration)
            report = Report.of(tally, time.monotonic() - started)
    finally:
        progress.cancel()
        await asyncio.gather(progress, return_exceptions=True)
        flash.close()
    invocation.output.record(report.fields(), data=report)
    if report.failed or not report.ever_connected:
        raise typer.Exit(1)


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
