"""`muster config`: what devices are to be set to, what they say they are set to, and where the two differ."""

import json
from typing import Annotated, Any

import typer

from muster_cli import assignments, configuration_jobs
from muster_cli.client.configuration import Configuration
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.output import when

app = typer.Typer(no_args_is_help=True)
app.add_typer(configuration_jobs.app, name="job")

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Its id or its uid.")]


@app.command("show")
@platform_command
async def show_configuration(invocation: Invocation, device: Device) -> None:
    """What a device is to be set to, what it reports, and where they differ: a line for each member."""
    async with invocation.client() as client:
        found = await client.configuration(device)
    _members(invocation, found)


@app.command("set")
@platform_command
async def set_configuration(
    invocation: Invocation,
    device: Device,
    members: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="VALUE may be JSON.", show_default=False)
    ] = None,
    unset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A member to take away; may be repeated.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take away every member that is not named.")] = False,
) -> None:
    """Set members of a device's configuration; the others stay. The device is asked to change."""
    given, taken = assignments.values(members), set(unset or [])
    if not (given or taken or replace):
        raise BadUsage("nothing to set", "give NAME=VALUE, --unset or --replace")
    async with invocation.client() as client:
        before = await client.configuration(device)
        kept: dict[str, Any] = {} if replace else before.desired
        desired = {name: value for name, value in {**kept, **given}.items() if name not in taken}
        changed = await client.configure(device, desired, version=before.version)
    _members(invocation, changed)


def _members(invocation: Invocation, found: Configuration) -> None:
    if not invocation.output.as_json:
        invocation.output.record(
            {
                "Device": found.device_uid,
                "Version": found.version,
                "Reported": when(found.reported_at) or "not yet",
                "Differ": "not known" if found.drift is None else len(found.drift),
                "Action": found.action_id,
            },
            data=found,
        )
    reported = found.reported or {}
    names = dict.fromkeys([*found.desired, *reported])
    invocation.output.rows(
        ["MEMBER", "DESIRED", "REPORTED", "DIFFERS"],
        [
            [name, _text(found.desired, name), _text(reported, name), "yes" if name in (found.drift or {}) else None]
            for name in names
        ],
        data=found,
    )


def _text(members: dict[str, Any], name: str) -> str | None:
    return json.dumps(members[name], ensure_ascii=False) if name in members else None
