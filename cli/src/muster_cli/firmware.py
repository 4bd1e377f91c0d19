"""`muster firmware`: upload, list, approve, withdraw; the keys with which updates are signed."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from muster_cli import bandwidth
from muster_cli.client.firmware import Firmware
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.options import Limit

app = typer.Typer(no_args_is_help=True)
app.add_typer(bandwidth.app, name="bandwidth")

Reference = Annotated[str, typer.Argument(metavar="ID|NAME@VERSION", help="Its id, or its name and version.")]


@app.command("upload")
@platform_command
async def upload_firmware(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The image.")],
    name: Annotated[str, typer.Option(help="What the firmware is called, the same for all its versions.")],
    version: Annotated[str, typer.Option(help="This version; it means these bytes for ever.")],
    hardware: Annotated[
        list[str] | None, typer.Option(metavar="HW", help="Which hardware it fits; may be repeated. Default: all.")
    ] = None,
) -> None:
    """Upload an image. It can be installed once it is approved."""
    try:
        with file.open("rb") as image:
            sha256 = hashlib.file_digest(image, "sha256").hexdigest()
            size = image.tell()
            image.seek(0)
            with _bar() as bar:
                async with invocation.client() as client:
                    firmware = await client.upload_firmware(
                        bar.wrap_file(image, total=size, description="uploading"),
                        filename=file.name,
                        name=name,
                        version=version,
                        hardware_versions=hardware or [],
                        sha256=sha256,
                    )
    except OSError as error:
        raise BadUsage(f"cannot read {file}: {error.strerror}") from None
    _show(invocation, firmware)


@app.command("list")
@platform_command
async def list_firmware(
    invocation: Invocation,
    limit: Limit = None,
) -> None:
    """Your organization's firmware, oldest first."""
    async with invocation.client() as client:
        found = [firmware async for firmware in client.firmware(limit=limit)]
    invocation.output.rows(
        ["ID", "NAME", "VERSION", "HARDWARE", "BYTES", "STATE", "UPLOADED"],
        [
            [f.id, f.name, f.version, ", ".join(f.hardware_versions) or "all", f.size, f.state, f.uploaded_at.date()]
            for f in found
        ],
        data=found,
    )


@app.command("show")
@platform_command
async def show_firmware(invocation: Invocation, firmware: Reference) -> None:
    """Read one firmware."""
    async with invocation.client() as client:
        found = await client.find_firmware(firmware)
    _show(invocation, found)


@app.command("approve")
@platform_command
async def approve_firmware(invocation: Invocation, firmware: Reference) -> None:
    """Let a firmware be installed, once as many people have approved it as your organization asks for."""
    async with invocation.client() as client:
        found = await client.find_firmware(firmware)
        approved = await client.approve_firmware(found.id)
    _show(invocation, approved)


@app.command("withdraw")
@platform_command
async def withdraw_firmware(
    invocation: Invocation,
    firmware: Reference,
    reason: Annotated[str, typer.Option(help="Why; others read it.")],
) -> None:
    """Let no update with a firmware begin any more, for good. Those under way go on unless they are cancelled."""
    async with invocation.client() as client:
        found = await client.find_firmware(firmware)
        withdrawn = await client.withdraw_firmware(found.id, reason)
    _show(invocation, withdrawn)


@app.command("policy")
@platform_command
async def show_policy(
    invocation: Invocation,
    approvals: Annotated[
        int | None, typer.Option(min=1, max=10, help="From now on ask for so many. Default: only show.")
    ] = None,
) -> None:
    """How many people must approve a firmware of your organization before it may be installed."""
    async with invocation.client() as client:
        policy = await (client.firmware_policy() if approvals is None else client.set_firmware_policy(approvals))
    invocation.output.record({"Approvals": policy.approvals}, data=policy)


@app.command("keys")
@platform_command
async def show_keys(invocation: Invocation) -> None:
    """The public keys (Ed25519) that sign updates: what a device is made with."""
    async with invocation.client() as client:
        keys = await client.manifest_keys()
    invocation.output.rows(["KEY ID", "KEY"], [[key.kid, key.x] for key in keys], data={"keys": keys})


def _show(invocation: Invocation, firmware: Firmware) -> None:
    fields = {
        "Firmware ID": firmware.id,
        "Name": firmware.name,
        "Version": firmware.version,
        "State": firmware.state,
        "Hardware": ", ".join(firmware.hardware_versions) or "all",
        "File": firmware.filename,
        "Bytes": firmware.size,
        "SHA-256": firmware.sha256,
        "Release": firmware.release_counter,
        "Uploaded": f"{firmware.uploaded_at.isoformat()} by {firmware.uploaded_by}",
        "Approved": f"{firmware.approved_at.isoformat()} by {firmware.approved_by}" if firmware.approved_at else None,
    }
    if firmware.approvals_needed is not None:
        fields["Approvals"] = f"{len(firmware.approvals)} of {firmware.approvals_needed}"
    if firmware.withdrawn_at is not None:
        fields["Withdrawn"] = f"{firmware.withdrawn_at.isoformat()} by {firmware.withdrawn_by}"
        fields["Because"] = firmware.withdrawn_because
    invocation.output.record(fields, data=firmware)


def _bar() -> Progress:
    """On a terminal alone, and on standard error."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
