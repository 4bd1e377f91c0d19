"""`muster groups`: fixed groups and those of a query, and who is in them."""

from typing import Annotated

import typer

from muster_cli.client.groups import Group
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.options import Limit, Reference
from muster_cli.output import when

app = typer.Typer(no_args_is_help=True)

Devices = Annotated[list[str], typer.Argument(metavar="DEVICE...", help="Uids, or ids.")]


@app.command("list")
@platform_command
async def list_groups(invocation: Invocation, limit: Limit = None) -> None:
    """Your organization's groups, oldest first."""
    async with invocation.client() as client:
        groups = [group async for group in client.groups(limit=limit)]
    invocation.output.rows(
        ["ID", "NAME", "KIND", "MEMBERS", "QUERY"],
        [[group.id, group.name, group.kind, group.members, group.rql] for group in groups],
        data=groups,
    )


@app.command("create")
@platform_command
async def create_group(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people will know it by.")],
    rql: Annotated[str | None, typer.Option(help="Its members are what this query finds at any time.")] = None,
    devices: Annotated[
        list[str] | None, typer.Option("--device", metavar="UID", help="A first member; may be repeated.")
    ] = None,
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None,
) -> None:
    """Make a group: of a query with --rql, else a fixed one, to which `add` adds devices."""
    if rql is not None and devices:
        raise BadUsage("a group of a query has no members of its own", "give --rql or --device")
    async with invocation.client() as client:
        group = await client.create_group(name, description=description, rql=rql)
        if devices:
            await client.add_members(group.id, devices)
            group = await client.find_group(str(group.id))
    _show(invocation, group)


@app.command("show")
@platform_command
async def show_group(invocation: Invocation, group: Reference) -> None:
    """Read one group."""
    async with invocation.client() as client:
        found = await client.find_group(group)
    _show(invocation, found)


@app.command("members")
@platform_command
async def list_members(invocation: Invocation, group: Reference, limit: Limit = None) -> None:
    """The devices in a group; of a query those it finds now."""
    async with invocation.client() as client:
        found = await client.find_group(group)
        members = [device async for device in client.members(found.id, limit=limit)]
    invocation.output.rows(
        ["UID", "NAME", "TYPE", "LIFECYCLE", "STATUS"],
        [[d.device_uid, d.name, d.device_type, d.lifecycle, d.status] for d in members],
        data=members,
    )


@app.command("add")
@platform_command
async def add_members(invocation: Invocation, group: Reference, devices: Devices) -> None:
    """Add devices to a fixed group, all of them or none."""
    async with invocation.client() as client:
        changed = await client.add_members((await client.find_group(group)).id, devices)
    invocation.output.record({"Added": changed.changed, "Members": changed.members}, data=changed)


@app.command("remove")
@platform_command
async def remove_members(invocation: Invocation, group: Reference, devices: Devices) -> None:
    """Take devices out of a fixed group."""
    async with invocation.client() as client:
        changed = await client.remove_members((await client.find_group(group)).id, devices)
    invocation.output.record({"Removed": changed.changed, "Members": changed.members}, data=changed)


@app.command("delete")
@platform_command
async def delete_group(invocation: Invocation, group: Reference) -> None:
    """Delete a group. Its devices stay."""
    async with invocation.client() as client:
        found = await client.find_group(group)
        await client.delete_group(found.id)
    invocation.output.record({"Deleted": found.name}, data=found)


def _show(invocation: Invocation, group: Group) -> None:
    fields = {
        "Group": group.id,
        "Name": group.name,
        "Kind": group.kind,
        "Query": group.rql,
        "Members": group.members,
        "Description": group.description,
        "Created": when(group.created_at),
        "Version": group.version,
    }
    invocation.output.record(fields, data=group)
