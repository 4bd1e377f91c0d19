"""`muster register | list | get-info | set-status | initiate-action | action-status | poll-action`."""

import asyncio
import sys
from datetime import datetime
from typing import Annotated

import typer

from muster_cli import assignments
from muster_cli.command import Invocation, platform_command
from muster_cli.device_calls.calls import open_calls
from muster_cli.device_calls.facts import ActionFacts
from muster_cli.output import one_line

_COMPLETED = "completed"
_WIDTH = 80

Uid = Annotated[str, typer.Argument(metavar="ID", help="The device's uid.")]
ActionId = Annotated[str, typer.Argument(metavar="ACTION", help="The action's id.")]


@platform_command
async def register(
    invocation: Invocation,
    uid: Uid,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    kind: Annotated[str | None, typer.Option("--type", metavar="TYPE", help="e.g. router, sensor")] = None,
    status: Annotated[str, typer.Option(help="What it shows at first, in either case.")] = "IDLE",
) -> None:
    """Register a device."""
    async with open_calls(invocation.connection) as calls:
        registered = await calls.register(uid, name=name, kind=kind, status=status)
    _say(invocation, [f"✓ Device '{registered}' registered successfully"], {"device_uid": registered})


@platform_command
async def list_devices(invocation: Invocation) -> None:
    """List your organization's devices."""
    async with open_calls(invocation.connection) as calls:
        devices = [device async for device in calls.devices()]
    rule = "-" * _WIDTH
    lines = [f"Registered Devices ({len(devices)} total):", rule, _row("Device ID", "Name", "Type", "Status", "Action")]
    lines += [rule, *(_row(one.id, one.name, one.type, one.status.upper(), one.current_action_id) for one in devices)]
    _say(invocation, lines, devices)


@platform_command
async def get_info(invocation: Invocation, uid: Uid) -> None:
    """Read one device."""
    async with open_calls(invocation.connection) as calls:
        device = await calls.device(uid)
    fields = {
        "ID": device.id,
        "Name": device.name,
        "Type": device.type,
        "Status": device.status.upper(),
        "Registered": _local(device.registered_at),
        "Last Updated": _local(device.updated_at),
        "Current Action": device.current_action_id or "None",
    }
    lines = ["Device Information:", *(f"  {label + ':':<14} {one_line(value)}" for label, value in fields.items())]
    _say(invocation, lines, device)


@platform_command
async def set_status(
    invocation: Invocation,
    uid: Uid,
    status: Annotated[str, typer.Argument(metavar="STATUS", help="e.g. IDLE or MAINTENANCE, in either case.")],
) -> None:
    """Set what a device shows, or move its life (MAINTENANCE)."""
    async with open_calls(invocation.connection) as calls:
        change = await calls.set_status(uid, status)
    lines = [f"✓ Device '{uid}' status updated:", f"  Previous: {change.previous.upper()}"]
    _say(invocation, [*lines, f"  Current:  {change.current.upper()}"], change)


@platform_command
async def initiate_action(
    invocation: Invocation,
    uid: Uid,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="TYPE",
            help="SOFTWARE_UPDATE, FIRMWARE_UPDATE, SYSTEM_REBOOT, CONFIGURATION_CHANGE or a word of your own.",
        ),
    ],
    more: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="More parameters.", show_default=False)
    ] = None,
    params: Annotated[
        list[str] | None, typer.Option("--params", metavar="NAME=VALUE ...", help="Parameters, one or more.")
    ] = None,
) -> None:
    """Ask a device to do something. It begins when it is its turn."""
    given = assignments.texts([*(params or []), *(more or [])])
    async with open_calls(invocation.connection) as calls:
        action = await calls.initiate(uid, kind, given)
    lines = ["✓ Action initiated successfully", f"  Action ID: {action.id}", f"  Status:    {action.status.upper()}"]
    _say(invocation, lines, action)


@platform_command
async def action_status(invocation: Invocation, action_id: ActionId) -> None:
    """Read one action."""
    async with open_calls(invocation.connection) as calls:
        action = await calls.action(action_id)
    fields = {
        "Action ID": action.id,
        "Device ID": action.device_id,
        "Type": action.type.upper(),
        "Status": action.status.upper(),
        "Progress": None if action.progress is None else f"{action.progress}%",
        "Initiated": _local(action.initiated_at),
        "Completed": _local(action.completed_at) if action.completed_at else None,
        "Params": " ".join(f"{name}={value}" for name, value in action.params.items()) or None,
        "Error": action.error,
    }
    invocation.output.record({label: value for label, value in fields.items() if value is not None}, data=action)


@platform_command
async def poll_action(
    invocation: Invocation,
    action_id: ActionId,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2,
) -> None:
    """Follow an action to its end. Exit code 1 when it does not complete."""
    quiet = invocation.output.as_json
    if not quiet:
        sys.stdout.write(f"Polling action '{action_id}' (interval: {interval:g}s)...\nPress Ctrl+C to stop polling\n\n")
    async with open_calls(invocation.connection) as calls:
        while True:
            action = await calls.action(action_id)
            if not quiet:
                sys.stdout.write(f"[{datetime.now().astimezone():%H:%M:%S}] Status: {_with_progress(action)}\n")
                sys.stdout.flush()
            if action.is_over:
                break
            await asyncio.sleep(interval)
    ended = action.status.replace("_", " ")
    reason = f": {one_line(action.error)}" if action.error else ""
    good = action.status == _COMPLETED
    _say(invocation, ["✓ Action completed successfully!" if good else f"✗ Action {ended}{reason}"], action)
    if not good:
        raise typer.Exit(1)


def _say(invocation: Invocation, lines: list[str], data: object) -> None:
    if invocation.output.as_json:
        invocation.output.record({}, data=data)
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)


def _row(uid: str, name: str | None, kind: str | None, status: str, action: str | None) -> str:
    cells = [one_line(name), one_line(kind), status, action or "None"]
    return f"{uid:<20} " + " ".join(f"{cell:<15}" for cell in cells).rstrip()


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def _with_progress(action: ActionFacts) -> str:
    word = action.status.upper()
    return f"{word} {action.progress}%" if action.progress is not None and not action.is_over else word
