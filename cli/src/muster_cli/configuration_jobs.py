"""`muster config job`: set many devices alike, watch, pause, resume, cancel, retry."""

import sys
from collections import defaultdict
from typing import Annotated, Any

import typer

from muster_cli import assignments
from muster_cli.client import MusterClient
from muster_cli.client.configuration import ConfigurationJob
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage, CommandError
from muster_cli.following import follow_count
from muster_cli.output import one_line, when

_COMPLETED = "completed"
_EXAMPLES = 3
_REASONS = 10

app = typer.Typer(no_args_is_help=True, help="Set many devices alike.")

Id = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


@app.command("start", epilog="Exit codes with --wait: 0 all succeeded, 1 ended otherwise.")
@platform_command
async def start_job(
    invocation: Invocation,
    members: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...", help="VALUE may be JSON; null takes away.")],
    devices: Annotated[
        list[str] | None, typer.Option("--device", metavar="UID", help="A device, as often as needed.")
    ] = None,
    rql: Annotated[str | None, typer.Option(help="The devices that this query finds now.")] = None,
    group: Annotated[str | None, typer.Option(metavar="ID|NAME", help="The devices of this group.")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="So many at a time.")] = None,
    deadline: Annotated[int | None, typer.Option(min=1, help="Seconds that each device has.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has ended, and show how far it is.")] = False,
) -> None:
    """Set members on many devices: those named, those that a query finds, or a group."""
    if sum(chosen is not None for chosen in (devices, rql, group)) != 1:
        raise BadUsage("it is not clear which devices", "give one of --device, --rql and --group")
    params = assignments.values(members)
    async with invocation.client() as client:
        group_id = None if group is None else (await client.find_group(group)).id
        given: dict[str, Any] = {"device_uids": devices, "rql": rql, "group_id": group_id}
        given |= {"concurrency": concurrency, "deadline_s": deadline}
        body = {"params": params, **{name: value for name, value in given.items() if value is not None}}
        job = begun = await client.start_configuration_job(body)
        if wait:
            job = await follow_count(begun, lambda: client.configuration_job(begun.id), lambda found: found.state)
        _show(invocation, job)
        if wait:
            await _judge(client, job)


@app.command("list")
@platform_command
async def list_jobs(
    invocation: Invocation, limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None
) -> None:
    """Your organization's jobs, newest first."""
    async with invocation.client() as client:
        jobs = [job async for job in client.configuration_jobs(limit=limit)]
    invocation.output.rows(
        ["JOB", "STATE", "DONE", "FAILED", "REQUESTED"],
        [[j.id, j.state, f"{j.done}/{j.total}", j.counts.get("failed", 0), when(j.requested_at)] for j in jobs],
        data=jobs,
    )


@app.command("show")
@platform_command
async def show_job(
    invocation: Invocation,
    job: Id,
    devices: Annotated[bool, typer.Option("--devices", help="Its devices in place of the job.")] = False,
    state: Annotated[str | None, typer.Option(help="With --devices: in this state alone.")] = None,
) -> None:
    """Read one job, or what became of each of its devices."""
    async with invocation.client() as client:
        if not devices:
            _show(invocation, await client.configuration_job(job))
            return
        items = [item async for item in client.configuration_items(job, state=state)]
    invocation.output.rows(
        ["DEVICE", "STATE", "ATTEMPTS", "REASON"],
        [[item.name, item.state, item.attempts, item.reason] for item in items],
        data=items,
    )


@app.command("watch", epilog="Exit codes: 0 all succeeded, 1 ended or paused otherwise.")
@platform_command
async def watch_job(invocation: Invocation, job: Id) -> None:
    """Follow a job until it ends or pauses."""
    async with invocation.client() as client:
        found = await client.configuration_job(job)
        found = await follow_count(found, lambda: client.configuration_job(job), lambda found: found.state)
        _show(invocation, found)
        await _judge(client, found)


@app.command("pause")
@platform_command
async def pause_job(invocation: Invocation, job: Id) -> None:
    """Ask no more devices; those that have been asked go on."""
    await _change(invocation, job, "pause")


@app.command("resume")
@platform_command
async def resume_job(invocation: Invocation, job: Id) -> None:
    """Go on with one that is paused."""
    await _change(invocation, job, "resume")


@app.command("cancel")
@platform_command
async def cancel_job(invocation: Invocation, job: Id) -> None:
    """End a job. What has begun ends by itself and is counted."""
    await _change(invocation, job, "cancel")


@app.command("retry")
@platform_command
async def retry_job(invocation: Invocation, job: Id) -> None:
    """Ask the devices again for which it failed."""
    await _change(invocation, job, "retry")


async def _change(invocation: Invocation, job: str, verb: str) -> None:
    async with invocation.client() as client:
        changed = await client.change_configuration_job(job, verb)
    _show(invocation, changed)


async def _judge(client: MusterClient, job: ConfigurationJob) -> None:
    """Raises CommandError for a job in which not all have succeeded, after a line for each reason of its failures."""
    if job.state == _COMPLETED and job.counts.get("succeeded", 0) == job.total:
        return
    failed = job.counts.get("failed", 0)
    if failed:
        await _give_reasons(client, job)
    if job.ended_at is None:
        raise CommandError(f"the job is {job.state}", f"`muster config job resume {job.id}` goes on with it")
    if not failed:
        raise CommandError(f"the job was {job.state}")
    raise CommandError(
        f"it failed for {failed} of {job.total} devices",
        f"`muster config job retry {job.id}` asks them again, "
        f"`muster config job show {job.id} --devices --state failed` lists them",
    )


async def _give_reasons(client: MusterClient, job: ConfigurationJob) -> None:
    """On standard error why devices failed, the most frequent reason first, with some of them."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    async for item in client.configuration_items(job.id, state="failed"):
        names[item.reason or "no reason given"].append(item.name)
    by_frequency = sorted(names.items(), key=lambda one: len(one[1]), reverse=True)
    for reason, those in by_frequency[:_REASONS]:
        some = ", ".join(those[:_EXAMPLES]) + (", ..." if len(those) > _EXAMPLES else "")
        sys.stderr.write(one_line(f"failed, {reason}: {len(those)} ({some})") + "\n")
    others = sum(len(those) for _, those in by_frequency[_REASONS:])
    if others:
        sys.stderr.write(f"failed, for other reasons: {others}\n")


def _show(invocation: Invocation, job: ConfigurationJob) -> None:
    fields: dict[str, object] = {
        "Job": job.id,
        "State": job.state,
        "Sets": ", ".join(f"{name}={value}" for name, value in job.params.items()),
        "Devices": job.total,
        **{state.title(): count for state, count in job.counts.items()},
        "At a time": job.concurrency,
        "Requested": f"{when(job.requested_at)} by {job.requested_by}",
        "Ended": when(job.ended_at),
    }
    invocation.output.record(fields, data=job)
