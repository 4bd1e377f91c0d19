"""`muster releases`: firmware for a fleet in waves, from a file."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live

from muster_cli import documents
from muster_cli.client import MusterClient
from muster_cli.client.releases import Release, ReleaseDryRun
from muster_cli.command import Invocation, platform_command
from muster_cli.following import follow
from muster_cli.options import InState, Limit
from muster_cli.output import when
from muster_cli.release_tree import tree

_COMPLETED = "completed"

app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="RELEASE", help="A release's slug.")]


@app.command("create")
@platform_command
async def create_release(
    invocation: Invocation,
    file: Annotated[Path, typer.Argument(metavar="FILE.yaml", help="The release, as YAML or JSON.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would come to now.")] = False,
) -> None:
    """Draw a release up from a file (docs/architecture/releases.md says how). It waits as a draft for `start`."""
    document = documents.read(file)
    with documents.read_as(file):
        async with invocation.client() as client:
            if dry_run:
                _show_dry_run(invocation, await client.dry_run_release(document))
                return
            created = await client.create_release(document)
    _show(invocation, created)


@app.command("list")
@platform_command
async def list_releases(
    invocation: Invocation,
    state: InState = None,
    limit: Limit = None,
) -> None:
    """Your organization's releases, newest first."""
    async with invocation.client() as client:
        releases = [release async for release in client.releases(state=state, limit=limit)]
    invocation.output.rows(
        ["RELEASE", "NAME", "STATE", "DONE", "CREATED"],
        [[r.slug, r.name, r.state, _done(r), when(r.created_at)] for r in releases],
        data=releases,
    )


@app.command("show")
@platform_command
async def show_release(invocation: Invocation, release: Name) -> None:
    """Read one release with its waves."""
    async with invocation.client() as client:
        found = await client.release(release)
    _show(invocation, found)


@app.command("watch", epilog="Exit codes: 0 completed, 1 ended or paused otherwise.")
@platform_command
async def watch_release(invocation: Invocation, release: Name) -> None:
    """Follow a release until it ends or pauses: on a terminal as a tree, elsewhere a line for each change."""
    async with invocation.client() as client:
        found = await _follow(client, release)
    _show(invocation, found)
    if found.state != _COMPLETED:
        raise typer.Exit(1)


@app.command("approve")
@platform_command
async def approve_release(invocation: Invocation, release: Name) -> None:
    """Approve a draft that asks for approval: `start` begins it then."""
    await _ask(invocation, release, "approve")


@app.command("start")
@platform_command
async def start_release(invocation: Invocation, release: Name) -> None:
    """Begin, now or at the time that the release says."""
    await _ask(invocation, release, "start")


@app.command("pause")
@platform_command
async def pause_release(invocation: Invocation, release: Name) -> None:
    """Begin with no more devices; those that have begun go on."""
    await _ask(invocation, release, "pause")


@app.command("resume")
@platform_command
async def resume_release(
    invocation: Invocation,
    release: Name,
    ignore_failures: Annotated[bool, typer.Option("--ignore-failures", help="Although a wave has failed.")] = False,
) -> None:
    """Go on with one that is paused."""
    await _ask(invocation, release, "resume", {"ignore_failures": ignore_failures})


@app.command("retry")
@platform_command
async def retry_release(invocation: Invocation, release: Name) -> None:
    """Update the devices again for which it failed, and go on."""
    await _ask(invocation, release, "retry")


@app.command("cancel")
@platform_command
async def cancel_release(invocation: Invocation, release: Name) -> None:
    """End a release and the updates that are under way."""
    await _ask(invocation, release, "cancel")


@app.command("rollback")
@platform_command
async def roll_release_back(invocation: Invocation, release: Name) -> None:
    """Put every device that it touched back to what it ran before."""
    await _ask(invocation, release, "rollback")


async def _ask(invocation: Invocation, release: str, verb: str, body: dict[str, Any] | None = None) -> None:
    async with invocation.client() as client:
        changed = await client.ask_release(release, verb, body)
    _show(invocation, changed)


async def _follow(client: MusterClient, name: str) -> Release:
    if not sys.stderr.isatty():
        return await follow(await client.release(name), lambda: client.release(name), _line)
    with Live(console=Console(stderr=True), auto_refresh=False) as live:

        async def drawn() -> Release:
            release = await client.release(name)
            live.update(tree(await client.release_hierarchy(name), release.detail), refresh=True)
            return release

        return await follow(await drawn(), drawn, lambda _: "")


def _line(release: Release) -> str:
    return f"{release.slug}: {_state(release)}, {_done(release)}"


def _state(release: Release) -> str:
    return f"{release.state}, {release.detail}" if release.detail else release.state


def _done(release: Release) -> str:
    return f"{release.progress.succeeded}/{release.progress.devices}"


def _show(invocation: Invocation, release: Release) -> None:
    fields: dict[str, object] = {
        "Release": release.slug,
        "Name": release.name,
        "State": _state(release),
        "Devices": release.progress.devices,
        "Succeeded": release.progress.succeeded,
        "Failed": release.progress.failed,
        "Skipped": release.progress.skipped,
        "Created": f"{release.created_at.isoformat()} by {release.created_by}",
    }
    for wave in release.waves:
        progress = wave.progress
        done = f"{progress.succeeded} of {progress.devices} updated, {progress.failed} failed"
        fields[f"Wave {wave.id.removeprefix('wave:')}"] = f"{wave.state}, {done}"
    invocation.output.record(fields, data=release)


def _show_dry_run(invocation: Invocation, found: ReleaseDryRun) -> None:
    fields: dict[str, object] = {"Devices": found.devices}
    for reason, devices in found.obstacles.items():
        fields[f"Cannot be updated now, {reason}"] = devices
    for wave in found.waves:
        for cluster in wave.clusters:
            fields[f"{wave.id} {cluster.id}"] = cluster.devices
    invocation.output.record(fields, data=found)
