"""`muster actions`: ask devices to do something, look, cancel."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from muster_cli import assignments
from muster_cli.client.actions import Action
from muster_cli.command import Invocation, platform_command
from muster_cli.following import follow
from muster_cli.options import InState, Limit, OfDevice
from muster_cli.output import standing, when

_COMPLETED = "completed"

app = typer.Typer(no_args_is_help=True)

Id = Annotated[int, typer.Argument(metavar="ACTION", min=1, help="The action's id.")]


@app.command("run", epilog="Exit codes with --wait: 0 completed, 1 ended otherwise.")
@platform_command
async def run_action(
    invocation: Invocation,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="A uid.")],
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="system_reboot, configuration_change or a word of your own.")
    ],
    params: Annotated[
        list[str] | None,
        typer.Option("--params", metavar="NAME=VALUE", help="A parameter, as often as needed; JSON, else text."),
    ] = None,
    deadline: Annotated[int, typer.Option(min=1, help="Seconds until it is given up.")] = 3600,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has ended.")] = False,
) -> None:
    """Ask a device to do something. It begins when it is its turn, and when the device is connected."""
    given = assignments.values(params)
    async with invocation.client() as client:
        action = await client.run_action(device, kind, given, deadline_s=deadline)
        if wait:
            asked = action
            action = await follow(asked, lambda: client.action(asked.action_id), lambda _: "")
    _show(invocation, action)
    if wait and action.state != _COMPLETED:
        raise typer.Exit(1)


@app.command("list")
@platform_command
async def list_actions(
    invocation: Invocation,
    device: OfDevice = None,
    state: InState = None,
    limit: Limit = None,
) -> None:
    """Your organization's actions, newest first."""
    async with invocation.client() as client:
        actions = [action async for action in client.actions(device_uid=device, state=state, limit=limit)]
    _table(invocation, actions)


@app.command("show")
@platform_command
async def show_action(invocation: Invocation, action: Id) -> None:
    """Read one action with its attempts."""
    async with invocation.client() as client:
        found = await client.action(action)
    _show(invocation, found)


@app.command("cancel")
@platform_command
async def cancel_action(invocation: Invocation, action: Id) -> None:
    """End an action. A device that has begun is told."""
    async with invocation.client() as client:
        cancelled = await client.cancel_action(action)
    _show(invocation, cancelled)


def _table(invocation: Invocation, actions: Sequence[Action]) -> None:
    invocation.output.rows(
        ["ACTION", "DEVICE", "TYPE", "STATE", "REQUESTED"],
        [[a.action_id, a.device_uid, a.type, standing(a), when(a.requested_at)] for a in actions],
        data=actions,
    )


def _show(invocation: Invocation, action: Action) -> None:
    fields: dict[str, object] = {
        "Action": action.action_id,
        "Device": action.device_uid,
        "Type": action.type,
        "Params": json.dumps(action.params),
        "State": standing(action),
        "Result": json.dumps(action.result) if action.result is not None else None,
        "Deadline": action.deadline.isoformat(),
        "Requested": f"{action.requested_at.isoformat()} by {action.requested_by}",
        "Ended": action.completed_at.isoformat() if action.completed_at else None,
    }
    for attempt in action.attempts or []:
        reason = f", {attempt.error}" if attempt.error else ""
        fields[f"Attempt {attempt.number}"] = f"{attempt.began_at.isoformat()} {attempt.state}{reason}"
    invocation.output.record(fields, data=action)
