"""`muster updates batch`: update many devices at once, watch, cancel, retry, take back."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from muster_cli.client.batches import Batch, BatchDevice, BatchPreview
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.following import follow_count
from muster_cli.options import InState, Limit
from muster_cli.output import when
from muster_cli.update_terms import Consent, Deadline, Force, Soak, update_terms

_COMPLETED = "completed"

app = typer.Typer(no_args_is_help=True, help="Update many devices at once.")

Id = Annotated[int, typer.Argument(metavar="BATCH", min=1, help="The batch's id.")]


@app.command("create")
@platform_command
async def create_batch(
    invocation: Invocation,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people will know it by.")],
    firmware: Annotated[str, typer.Option(metavar="ID|NAME@VERSION", help="An approved firmware.")],
    devices: Annotated[
        list[str] | None, typer.Option("--device", metavar="UID", help="A device, as often as needed.")
    ] = None,
    rql: Annotated[str | None, typer.Option(help="The devices that this query finds.")] = None,
    group: Annotated[str | None, typer.Option(metavar="ID|NAME", help="The devices of this group.")] = None,
    start_at: Annotated[str | None, typer.Option(metavar="TIME", help="Not before, e.g. 2026-12-01T22:00:00Z.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="So many at a time. Default: all.")] = None,
    per_site: Annotated[int | None, typer.Option(min=1, help="So many at a time at each site.")] = None,
    deadline: Deadline = None,
    window: Annotated[
        str | None, typer.Option(metavar="HH:MM-HH:MM", help="When devices may be updated, by their own clocks.")
    ] = None,
    soak: Soak = None,
    consent: Consent = False,
    force: Force = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what it would come to, and make nothing.")] = False,
) -> None:
    """Update many devices: those named, those that a query finds, or a group. Their states come with `show`."""
    if sum(chosen is not None for chosen in (devices, rql, group)) != 1:
        raise BadUsage("it is not clear which devices", "give one of --device, --rql and --group")
    given: dict[str, Any] = {
        "device_ids": devices,
        "rql": rql,
        "group": int(group) if group is not None and group.isdigit() else group,
        "start_at": start_at,
        "concurrency": concurrency,
        "per_site": per_site,
        **update_terms(deadline=deadline, soak=soak, consent=consent, force=force),
        "window": None if window is None else _window(window),
    }
    async with invocation.client() as client:
        chosen = await client.find_firmware(firmware)
        body = {"name": name, "firmware_id": chosen.id, **{k: v for k, v in given.items() if v is not None}}
        if dry_run:
            _preview(invocation, await client.preview_batch(body))
        else:
            _show(invocation, await client.create_batch(body))


@app.command("list")
@platform_command
async def list_batches(
    invocation: Invocation,
    state: InState = None,
    limit: Limit = None,
) -> None:
    """Your organization's batches, newest first."""
    async with invocation.client() as client:
        batches = [batch async for batch in client.batches(state=state, limit=limit)]
    invocation.output.rows(
        ["BATCH", "NAME", "STATE", "DONE", "FAILED", "REQUESTED"],
        [
            [b.id, b.name, b.state, f"{b.done}/{b.total}", b.counts.get("failed", 0), when(b.requested_at)]
            for b in batches
        ],
        data=batches,
    )


@app.command("show")
@platform_command
async def show_batch(
    invocation: Invocation,
    batch: Id,
    devices: Annotated[bool, typer.Option("--devices", help="Its devices in place of the batch.")] = False,
    state: Annotated[str | None, typer.Option(help="With --devices: in this state alone.")] = None,
) -> None:
    """Read one batch, or what became of each of its devices."""
    async with invocation.client() as client:
        if devices:
            _devices(invocation, [device async for device in client.batch_devices(batch, state=state)])
        else:
            _show(invocation, await client.batch(batch))


@app.command("watch", epilog="Exit codes: 0 completed and none failed, 1 ended otherwise.")
@platform_command
async def watch_batch(invocation: Invocation, batch: Id) -> None:
    """Follow a batch to its end."""
    async with invocation.client() as client:
        found = await follow_count(await client.batch(batch), lambda: client.batch(batch), lambda found: found.state)
    _show(invocation, found)
    if found.state != _COMPLETED or found.counts.get("failed"):
        raise typer.Exit(1)


@app.command("start")
@platform_command
async def start_batch(invocation: Invocation, batch: Id) -> None:
    """Begin a scheduled batch now."""
    await _change(invocation, batch, "start")


@app.command("cancel")
@platform_command
async def cancel_batch(invocation: Invocation, batch: Id) -> None:
    """End a batch. What has not begun will not, and what is under way is cancelled."""
    await _change(invocation, batch, "cancel")


@app.command("retry")
@platform_command
async def retry_batch(invocation: Invocation, batch: Id) -> None:
    """Give the devices that failed another turn."""
    await _change(invocation, batch, "retry")


@app.command("rollback")
@platform_command
async def rollback_batch(invocation: Invocation, batch: Id) -> None:
    """Take a batch back: another one, of the devices that it updated, to what each ran before."""
    await _change(invocation, batch, "rollback")


async def _change(invocation: Invocation, batch: int, verb: str) -> None:
    async with invocation.client() as client:
        changed = await client.change_batch(batch, verb)
    _show(invocation, changed)


def _window(text: str) -> dict[str, str]:
    begins, dash, ends = text.partition("-")
    if not (begins and dash and ends):
        raise BadUsage(f'"{text}" is no window', "write it 22:00-04:00")
    return {"begins": begins, "ends": ends}


def _devices(invocation: Invocation, devices: Sequence[BatchDevice]) -> None:
    invocation.output.rows(
        ["DEVICE", "STATE", "REASON", "DETAIL", "SESSION"],
        [[d.device_uid, d.state, d.reason, d.detail, d.session_id] for d in devices],
        data=devices,
    )


def _preview(invocation: Invocation, preview: BatchPreview) -> None:
    fields: dict[str, object] = {"Devices": preview.total, "To be updated": preview.pending}
    for reason, count in preview.skipped.items():
        some = ", ".join(device.device_uid for device in preview.sample if device.reason == reason)
        fields[f"Skipped, {reason}"] = f"{count}: {some}"
    invocation.output.record(fields, data=preview)


def _show(invocation: Invocation, batch: Batch) -> None:
    fields: dict[str, object] = {
        "Batch": batch.id,
        "Name": batch.name,
        "State": batch.state,
        "Devices": batch.total,
        **{state.title(): count for state, count in batch.counts.items()},
        "Takes back": batch.rollback_of,
        "Starts": batch.start_at.isoformat() if batch.start_at else None,
        "Requested": f"{batch.requested_at.isoformat()} by {batch.requested_by}",
        "Ended": batch.ended_at.isoformat() if batch.ended_at else None,
    }
    invocation.output.record(fields, data=batch)
