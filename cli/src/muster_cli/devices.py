"""`muster devices`: register, find and read devices, their tokens and audit log, files of them, and telling again."""

import json
import sys
from collections.abc import Sequence
from os import SEEK_END
from pathlib import Path
from typing import Annotated

import typer

from muster_cli import assignments
from muster_cli.client.audit import AuditEntry
from muster_cli.client.devices import Device, NewDevice
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.following import follow_count
from muster_cli.options import Limit
from muster_cli.output import when
from muster_cli.times import duration

_SHOWN_REFUSALS = 20

Reference = Annotated[str, typer.Argument(metavar="ID_OR_UID", help="Its id or its uid.")]

app = typer.Typer(no_args_is_help=True)


@app.command("list")
@platform_command
async def list_devices(
    invocation: Invocation,
    limit: Limit = None,
) -> None:
    """Your organization's devices, oldest first."""
    async with invocation.client() as client:
        devices = [device async for device in client.devices(limit=limit)]
    _list(invocation, devices, data=devices)


@app.command("register")
@platform_command
async def register_device(
    invocation: Invocation,
    uid: Annotated[str | None, typer.Argument(help="Its uid, for ever. Default: generated.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    device_type: Annotated[str | None, typer.Option("--type", help="What kind of device it is.")] = None,
    serial_number: Annotated[str | None, typer.Option("--serial", help="The maker's serial number.")] = None,
    hardware_version: Annotated[str | None, typer.Option("--hardware", help="Decides which firmware fits.")] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", metavar="NAME=VALUE", help="May be repeated; VALUE may be JSON.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")] = None,
) -> None:
    """Register a device."""
    given = {
        "device_uid": uid,
        "name": name,
        "device_type": device_type,
        "serial_number": serial_number,
        "hardware_version": hardware_version,
        "attributes": assignments.values(attributes) or None,
        "tags": tags or None,
    }
    new = NewDevice.model_validate({key: value for key, value in given.items() if value is not None})
    async with invocation.client() as client:
        device = await client.register(new)
    _show(invocation, device)


@app.command("show")
@app.command("get", hidden=True)
@platform_command
async def show_device(invocation: Invocation, id_or_uid: Reference) -> None:
    """Read one device."""
    async with invocation.client() as client:
        device = await client.device(id_or_uid)
    _show(invocation, device)


@app.command("token")
@platform_command
async def issue_token(invocation: Invocation, id_or_uid: Reference) -> None:
    """Issue a token with which a device signs in to the broker. It is shown this once."""
    async with invocation.client() as client:
        issued = await client.issue_token(id_or_uid)
    fields = {"Device UID": issued.device_uid, "Token": issued.token, "Expires": when(issued.expires_at)}
    invocation.output.record(fields, data=issued)


@app.command("rotate-token")
@platform_command
async def rotate_token(
    invocation: Invocation,
    id_or_uid: Reference,
    overlap: Annotated[
        str, typer.Option(metavar="1d", help="So long the tokens of before stay good, 30 days at most.")
    ] = "1d",
) -> None:
    """Issue a token that takes the place of those before, which end later. It is shown this once."""
    seconds = int(duration(overlap).total_seconds())
    async with invocation.client() as client:
        issued = await client.rotate_token(id_or_uid, overlap_s=seconds)
    fields = {"Device UID": issued.device_uid, "Token": issued.token, "Expires": when(issued.expires_at)}
    invocation.output.record({**fields, "Those before end": when(issued.previous_until)}, data=issued)


@app.command("revoke-tokens")
@platform_command
async def revoke_tokens(invocation: Invocation, id_or_uid: Reference) -> None:
    """Revoke all tokens of a device and end its connections."""
    async with invocation.client() as client:
        device = await client.device(id_or_uid)
        await client.revoke_tokens(device.device_uid)
    invocation.output.record({"Revoked": device.device_uid}, data=device)


@app.command("audit")
@platform_command
async def show_audit(
    invocation: Invocation,
    id_or_uid: Reference,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """Who changed a device, and how, the newest first. With --json also how it was before."""
    async with invocation.client() as client:
        device = await client.device(id_or_uid)
        entries = [entry async for entry in client.audit("device", str(device.id), limit=limit)]
    rows = [[when(one.at), one.action, one.actor.name or one.actor.id or one.actor.kind, _now(one)] for one in entries]
    invocation.output.rows(["WHEN", "WHAT", "WHO", "NOW"], rows, data=entries)


@app.command("resync")
@platform_command
async def resync_devices(
    invocation: Invocation,
    everyone: Annotated[bool, typer.Option("--all", help="The devices of every organization.")] = False,
    wait: Annotated[bool, typer.Option(help="Wait for the end and show how far it is.")] = True,
) -> None:
    """Tell every device's present state again, so that copies that lost it are whole. It goes on by itself."""
    async with invocation.client() as client:
        resync = await client.begin_resync(everyone=everyone)
        if wait:
            begun = resync
            resync = await follow_count(begun, lambda: client.resync(begun.id), lambda _: "told")
    fields = {"Resync ID": resync.id, "State": resync.state, "Devices": resync.total, "Told": resync.done}
    invocation.output.record(fields, data=resync)


@app.command("search")
@platform_command
async def search_devices(
    invocation: Invocation,
    rql: Annotated[str, typer.Argument(metavar="RQL", help="""Eclipse Ditto's, e.g. 'eq(attributes/type,"pump")'.""")],
    sample: Annotated[int, typer.Option(min=0, max=100, help="How many devices to show.")] = 10,
) -> None:
    """Try a query: how many devices it finds, and the first of them."""
    async with invocation.client() as client:
        found = await client.search(rql, sample=sample)
    sys.stderr.write(f"{'' if found.exact else 'more than '}{found.count} devices\n")
    _list(invocation, found.sample, data=found)


@app.command("import")
@platform_command
async def import_devices(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, or NDJSON (.ndjson, .jsonl).")],
    policy: Annotated[
        str, typer.Option(metavar="update|skip", help="What becomes of devices that are there and differ.")
    ] = "update",
    wait: Annotated[bool, typer.Option(help="Wait for the end and show how far it is.")] = True,
) -> None:
    """Register or change the devices of a file. Importing it again changes nothing; it goes on by itself."""
    media_type = "application/x-ndjson" if file.suffix in {".ndjson", ".jsonl"} else "text/csv"
    try:
        with file.open("rb") as content:
            size = content.seek(0, SEEK_END)
            content.seek(0)
            async with invocation.client() as client:
                job = begun = await client.begin_import(
                    content, size=size, media_type=media_type, policy=policy, filename=file.name
                )
                if wait:
                    job = await follow_count(begun, lambda: client.find_import(begun.id), lambda _: "imported")
                refused = [row async for row in client.refused_rows(job.id, limit=_SHOWN_REFUSALS)]
    except OSError as error:
        raise BadUsage(f"cannot read {file}: {error.strerror}") from None
    for row in refused:
        sys.stderr.write(f"line {row.line}: {row.device_uid or '-'}: {row.error} ({row.code})\n")
    counts = ("created", "updated", "unchanged", "skipped", "refused")
    fields = {"Import ID": job.id, "State": job.state, "Rows": job.total}
    invocation.output.record({**fields, **{name.title(): getattr(job, name) for name in counts}}, data=job)
    if job.refused or job.state in {"failed", "cancelled"}:
        raise typer.Exit(1)


@app.command("export")
@platform_command
async def export_devices(
    invocation: Invocation,
    rql: Annotated[str | None, typer.Argument(metavar="[RQL]", help="Which devices. Default: all.")] = None,
    file_format: Annotated[str, typer.Option("--format", metavar="csv|ndjson", help="What to write.")] = "csv",
) -> None:
    """Write your organization's devices to standard output, for `muster devices import` and for spreadsheets."""
    async with invocation.client() as client:
        async for piece in client.export(file_format=file_format, rql=rql):
            sys.stdout.buffer.write(piece)
    sys.stdout.flush()


def _now(entry: AuditEntry) -> str | None:
    return json.dumps(entry.after, ensure_ascii=False) if entry.after else None


def _list(invocation: Invocation, devices: Sequence[Device], *, data: object) -> None:
    invocation.output.rows(
        ["UID", "NAME", "TYPE", "LIFECYCLE", "STATUS", "FIRMWARE"],
        [[d.device_uid, d.name, d.device_type, d.lifecycle, d.status, d.firmware_version] for d in devices],
        data=data,
    )


def _show(invocation: Invocation, device: Device) -> None:
    fields = {
        "Device UID": device.device_uid,
        "Device ID": device.id,
        "Name": device.name,
        "Type": device.device_type,
        "Lifecycle": device.lifecycle,
        "Status": device.status,
        "Serial number": device.serial_number,
        "Hardware": device.hardware_version,
        "Firmware": device.firmware_version,
        "Attributes": json.dumps(device.attributes, ensure_ascii=False) if device.attributes else None,
        "Tags": ", ".join(device.tags),
        "Registered": when(device.registered_at),
        "Updated": when(device.updated_at),
        "Version": device.version,
    }
    invocation.output.record(fields, data=device)
