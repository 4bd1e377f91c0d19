"""`muster telemetry latest | tail | chart | stats | export | account`."""

import sys
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Annotated

import typer

from muster_cli.client import MusterClient
from muster_cli.client.telemetry import Question
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage, Refused
from muster_cli.output import when
from muster_cli.telemetry import chart
from muster_cli.telemetry.live import MAX_DEVICES, Reported, Selection, Tail
from muster_cli.telemetry.options import Devices, Span

app = typer.Typer(no_args_is_help=True)

Metrics = Annotated[list[str] | None, typer.Option("--metric", help="This metric; may be repeated. Default: all.")]


@app.command("latest")
@platform_command
async def show_latest(
    invocation: Invocation,
    device: Annotated[str | None, typer.Argument(metavar="[UID]", help="Default: all that have reported.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many devices. Default: all.")] = None,
) -> None:
    """The newest value of every metric."""
    async with invocation.client() as client:
        found = [latest async for latest in client.latest(device, limit=limit)]
    invocation.output.rows(
        ["DEVICE", "METRIC", "VALUE", "AT"],
        [
            [latest.device_uid, metric, _value(reading.value), when(reading.ts)]
            for latest in found
            for metric, reading in latest.metrics.items()
        ],
        data=found,
    )


@app.command("tail")
@platform_command
async def tail(
    invocation: Invocation,
    devices: Devices,
    metrics: Metrics = None,
    lines: Annotated[int | None, typer.Option("--lines", "-n", min=1, help="End after so many.")] = None,
) -> None:
    """Print values as they come, the newest ones first, until Ctrl+C. With --json a document on each line.

    A device's newest values come up to five times a second; `export` has every sample.
    """
    async with invocation.client() as client:
        selection = await _selection(client, devices)
    wanted = frozenset(metrics or [])
    connection = invocation.connection
    numbers = count(1)
    async with aclosing(Tail(connection.server, connection.sign_in()).reported(selection)) as told:
        async for reported in told:
            values = {name: value for name, value in reported.metrics.items() if not wanted or name in wanted}
            if values:
                _write(invocation, replace(reported, metrics=values))
                if next(numbers) == lines:
                    return


@app.command("chart")
@platform_command
async def draw_chart(
    invocation: Invocation,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="What to draw.")],
    devices: Devices,
    span: Span,
) -> None:
    """Draw a metric over time: of each device that is named, or the mean of all that are chosen."""
    width, height = chart.size()
    async with invocation.client() as client:
        question = await _question(client, devices, span, [metric])
        answer = await client.series(question, points=2 * width)
    if invocation.output.as_json:
        invocation.output.record({}, data=answer)
    elif any(series.ts for series in answer.series):
        sys.stdout.write(chart.drawn(answer, metric, width=width, height=height, colours=sys.stdout.isatty()) + "\n")
    else:
        raise Refused(404, "no_samples", f"nothing was reported of {metric} then", "`muster telemetry latest` has all")


@app.command("stats")
@platform_command
async def show_statistics(
    invocation: Invocation,
    devices: Devices,
    span: Span,
    metrics: Metrics = None,
) -> None:
    """Least, greatest, mean and percentiles of each metric, over all of the time and the devices."""
    async with invocation.client() as client:
        question = await _question(client, devices, span, metrics)
        answer = await client.statistics(question)
    numbers = ("min", "mean", "p50", "p95", "p99", "max")
    invocation.output.rows(
        ["METRIC", "DEVICES", "COUNT", *(name.upper() for name in numbers), "LAST"],
        [
            [s.metric, s.devices, s.count, *(_value(getattr(s, name)) for name in numbers), _value(s.last)]
            for s in answer.items
        ],
        data=answer,
    )


@app.command("export")
@platform_command
async def export_samples(
    invocation: Invocation,
    devices: Devices,
    span: Span,
    metrics: Metrics = None,
    file_format: Annotated[str, typer.Option("--format", metavar="csv|ndjson", help="What to write.")] = "csv",
) -> None:
    """Write samples (or with --resolution buckets) to standard output."""
    async with invocation.client() as client:
        question = await _question(client, devices, span, metrics)
        async for piece in client.export_telemetry(question, file_format=file_format):
            sys.stdout.buffer.write(piece)
    sys.stdout.flush()


@app.command("account")
@platform_command
async def show_accounts(
    invocation: Invocation,
    device: Annotated[str | None, typer.Argument(metavar="[UID]", help="Default: all that have sent anything.")] = None,
    days: Annotated[int, typer.Option(min=1, max=400, help="So many days in UTC, with today.")] = 7,
) -> None:
    """What became of every sample: received = stored + duplicate + expired. It is up to two minutes behind.

    DEAD are messages that could not be read; `muster dead-letters show monitoring.telemetry` says why. GAPS are numbers
    that are missing between a device's samples.
    """
    today = datetime.now(UTC).date()
    async with invocation.client() as client:
        first = today - timedelta(days=days - 1)
        found = [account async for account in client.accounts(first, today, uid=device)]
    counts = ("messages", "received", "stored", "duplicate", "expired", "dead", "gaps")
    invocation.output.rows(
        ["DEVICE", *(name.upper() for name in counts)],
        [[account.device_uid, *(getattr(account, name) for name in counts)] for account in found],
        data=found,
    )


async def _question(client: MusterClient, devices: Devices, span: Span, metrics: list[str] | None) -> Question:
    devices.check()
    start, end = span.times()
    group_id = None if devices.group is None else (await client.find_group(devices.group)).id
    return Question(devices.device or (), group_id, devices.rql, metrics or (), start, end, span.resolution)


async def _selection(client: MusterClient, devices: Devices) -> Selection:
    """Those whom the query finds now: what is live is chosen by name. Raises BadUsage."""
    devices.check()
    uids = devices.device
    if devices.rql is not None:
        uids = [device.device_uid async for device in client.devices(rql=devices.rql, limit=MAX_DEVICES + 1)]
        if not uids:
            raise BadUsage("the query finds no device", "`muster devices search` tries a query")
    if uids and len(uids) > MAX_DEVICES:
        raise BadUsage(
            f"more than {MAX_DEVICES} devices", "make a group of them with `muster groups create` and give --group"
        )
    return Selection(uids, None if devices.group is None else (await client.find_group(devices.group)).id)


def _write(invocation: Invocation, reported: Reported) -> None:
    if invocation.output.as_json:
        invocation.output.line(reported)
        return
    values = " ".join(f"{name}={_value(value)}" for name, value in reported.metrics.items())
    invocation.output.plain(f"{when(reported.ts)}  {reported.device_uid}  {values}")


def _value(value: object) -> str | None:
    return f"{value:.6g}" if isinstance(value, float) else None if value is None else str(value)
