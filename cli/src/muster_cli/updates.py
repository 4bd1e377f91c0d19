"""`muster updates`: start, watch, list and cancel updates of devices."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from muster_cli import assignments, batches
from muster_cli.client import MusterClient
from muster_cli.client.updates import UpdateSession
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import CommandError, Refused
from muster_cli.following import follow
from muster_cli.options import InState, Limit, OfDevice
from muster_cli.output import standing, when
from muster_cli.update_terms import Consent, Deadline, Force, Soak, update_terms

_COMPLETED = "completed"

app = typer.Typer(no_args_is_help=True)
app.add_typer(batches.app, name="batch")

Session = Annotated[str, typer.Argument(metavar="SESSION", help="The update's id.")]


@app.command("start")
@platform_command
async def start_updates(
    invocation: Invocation,
    devices: Annotated[list[str], typer.Argument(metavar="DEVICE...", help="Uids.")],
    firmware: Annotated[str, typer.Option(metavar="ID|NAME@VERSION", help="An approved firmware.")],
    every: Annotated[float, typer.Option(min=0.0, help="Seconds between one device and the next.")] = 0.0,
    deadline: Deadline = None,
    soak: Soak = None,
    floors: Annotated[
        list[str] | None,
        typer.Option("--floor", metavar="NAME=VERSION", help="Only where at least this is installed; may be repeated."),
    ] = None,
    consent: Consent = False,
    force: Force = False,
) -> None:
    """Update devices. Each is told at once, or when it next connects. One refused device stops no other."""
    terms = update_terms(deadline=deadline, soak=soak, consent=consent, force=force)
    if floors:
        terms["floors"] = assignments.texts(floors)
    started: list[UpdateSession] = []
    failed: CommandError | None = None
    async with invocation.client() as client:
        chosen = await client.find_firmware(firmware)
        for number, uid in enumerate(devices):
            if number:
                await asyncio.sleep(every)
            try:
                started.append(await client.start_update(uid, chosen.id, **terms))
            except CommandError as error:
                if len(devices) == 1:
                    raise
                sys.stderr.write(f"error: {uid}: {error}\n")
                failed = error
    if len(devices) == 1:
        _show(invocation, started[0])
    else:
        _table(invocation, started)
    if failed is not None:
        raise typer.Exit(failed.exit_code)


@app.command("list")
@platform_command
async def list_updates(
    invocation: Invocation,
    device: OfDevice = None,
    state: InState = None,
    limit: Limit = None,
) -> None:
    """Your organization's updates, newest first."""
    async with invocation.client() as client:
        sessions = [session async for session in client.updates(device_uid=device, state=state, limit=limit)]
    _table(invocation, sessions)


@app.command("show")
@platform_command
async def show_update(invocation: Invocation, session: Session) -> None:
    """Read one update with its history."""
    async with invocation.client() as client:
        found = await client.update(session)
    _show(invocation, found)


@app.command("cancel")
@platform_command
async def cancel_update(invocation: Invocation, session: Session) -> None:
    """End an update. A device that already runs the new version keeps it."""
    async with invocation.client() as client:
        cancelled = await client.cancel_update(session)
    _show(invocation, cancelled)


@app.command("watch", epilog="Exit codes: 0 completed, 1 ended otherwise.")
@platform_command
async def watch_update(
    invocation: Invocation,
    session: Annotated[str, typer.Argument(metavar="SESSION|DEVICE", help="An update's id, or a uid: its newest.")],
) -> None:
    """Follow an update to its end."""
    async with invocation.client() as client:
        begun = await _find(client, session)
        found = await follow(begun, lambda: client.update(begun.session_id), _line)
    _show(invocation, found)
    if found.state != _COMPLETED:
        raise typer.Exit(1)


async def _find(client: MusterClient, session_or_uid: str) -> UpdateSession:
    """The update of that id, else the newest of that device."""
    try:
        return await client.update(session_or_uid)
    except Refused as error:
        if error.status not in {404, 422}:
            raise
    async for session in client.updates(device_uid=session_or_uid, limit=1):
        return await client.update(session.session_id)
    raise Refused(
        404,
        "update_session_not_found",
        f"there is no update {session_or_uid}, nor one of such a device",
        "`muster updates list` shows those there are",
    )


def _line(session: UpdateSession) -> str:
    return f"{session.device_uid} {session.firmware_name}@{session.firmware_version}: {standing(session)}"


def _table(invocation: Invocation, sessions: Sequence[UpdateSession]) -> None:
    invocation.output.rows(
        ["SESSION", "DEVICE", "FIRMWARE", "STATE", "OPENED"],
        [
            [s.session_id, s.device_uid, f"{s.firmware_name}@{s.firmware_version}", standing(s), when(s.opened_at)]
            for s in sessions
        ],
        data=sessions,
    )


def _show(invocation: Invocation, session: UpdateSession) -> None:
    fields: dict[str, object] = {
        "Session": session.session_id,
        "Device": session.device_uid,
        "Firmware": f"{session.firmware_name}@{session.firmware_version}",
        "Before": session.previous_version,
        "State": standing(session),
        "Deadline": session.deadline.isoformat() if session.deadline else None,
        "Opened": f"{session.opened_at.isoformat()} by {session.opened_by}",
        "Updated": session.updated_at.isoformat(),
    }
    for number, report in enumerate(session.reports or [], start=1):
        progress = f" {report.progress}%" if report.progress is not None else ""
        refused = "" if report.accepted else ", refused"
        reason = f", {report.error}" if report.error else ""
        said = f"{report.by}: {report.reported}{progress}{reason}{refused}"
        fields[f"Report {number}"] = f"{report.at.isoformat()} {said}"
    invocation.output.record(fields, data=session)
