"""`muster simulate`: a fleet of devices to look at."""

import re
from typing import Annotated

import typer

from muster_cli.command import Invocation, platform_command
from muster_cli.connection import Endpoint
from muster_cli.errors import BadUsage
from muster_cli.simulator.cast import Cast, Wanted, drawn_up
from muster_cli.simulator.foresight import Foresight
from muster_cli.simulator.run import Place, Ways, run
from muster_cli.simulator.scenarios.reading import shipped

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,56}")


@platform_command
async def simulate(
    invocation: Invocation,
    devices: Annotated[int | None, typer.Option(min=1, max=50_000, help="How many devices. Default: 25.")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.001, max=100.0, help="Samples a second and device. Default: 1.")
    ] = None,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME",
            help=f"Which devices, and what befalls them: a YAML file, or one of {', '.join(shipped())}.",
        ),
    ] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Seconds to run. Default: until interrupted.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same devices, values and faults. Default: 0.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would befall each device.")] = False,
    prefix: Annotated[str, typer.Option(help="What the devices' uids begin with.")] = "sim",
    mqtt: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="The broker. Default: the stack's or the server's."),
    ] = None,
    connect_rate: Annotated[
        float | None, typer.Option(min=1.0, help="New connections a second, at most. Default: 200.")
    ] = None,
    renew_tokens: Annotated[bool, typer.Option("--renew-tokens", help="Issue new tokens, reuse none.")] = False,
    updates: Annotated[bool, typer.Option(help="Whether the devices take updates.")] = True,
    link_speed: Annotated[
        float | None, typer.Option(min=1.0, help="KiB a second and device, for downloads. Default: any.")
    ] = None,
    account_within: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds to wait at the end for the platform's account. 0: do not ask for it."),
    ] = 150.0,
) -> None:
    """Simulate devices that register, sign in to the broker, publish telemetry, take updates and do actions.

    They go on until interrupted. The exit code is 0 when all that was sent was confirmed, and received by the
    platform's own account, which is asked at the end. Devices, tokens, firmware and configuration are kept: the next
    run finds them again.
    """
    if not _PREFIX.fullmatch(prefix):
        raise BadUsage(f'"{prefix}" cannot begin a uid', "use up to 56 of the characters A-Z a-z 0-9 _ -")
    cast = drawn_up(
        Wanted(
            prefix=prefix,
            scenario=scenario,
            devices=devices,
            rate=rate,
            link_speed=link_speed,
            seed=seed,
            duration=duration,
            connect_rate=connect_rate,
        )
    )
    if dry_run:
        _foretell(invocation, cast)
        return
    connection = invocation.connection
    broker = Endpoint.parse(mqtt) if mqtt else connection.mqtt
    place = Place(connection.server, broker, connection.sign_in(), connection.state_dir / "simulator" / prefix)
    report = await run(cast, place, Ways(renew_tokens=renew_tokens, updates=updates, account_s=account_within))
    invocation.output.record(report.fields(), data=report)
    if not report.is_good or (account_within and report.received is None):
        raise typer.Exit(1)


def _foretell(invocation: Invocation, cast: Cast) -> None:
    foresight = Foresight.of(cast)
    invocation.output.rows(
        ["DEVICE", "TYPE", "EVERY", "OUTAGES", "AWAY", "CLOCK"],
        [
            [
                one.device_uid,
                one.device_type,
                f"{one.every:g} s",
                len(one.outages),
                f"{one.away_s:.0f} s",
                f"{one.clock_error:+.0f} s",
            ]
            for one in foresight.devices
        ],
        data=foresight,
    )
