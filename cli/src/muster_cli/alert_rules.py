"""`muster alerts rules`: when an alert opens, at which devices."""

from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from muster_cli import documents, times
from muster_cli.client.alerts import AlertRule
from muster_cli.command import Invocation, platform_command
from muster_cli.errors import BadUsage
from muster_cli.options import Limit
from muster_cli.output import when

app = typer.Typer(no_args_is_help=True, help="Make, silence and delete the rules that open alerts.")

Id = Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")]


@app.command("list")
@platform_command
async def list_rules(
    invocation: Invocation,
    limit: Limit = None,
) -> None:
    """Your organization's rules, oldest first."""
    async with invocation.client() as client:
        rules = [rule async for rule in client.alert_rules(limit=limit)]
    invocation.output.rows(
        ["RULE", "NAME", "SEVERITY", "CONDITION", "FOR", "STATE"],
        [[r.id, r.name, r.severity, _condition(r), f"{r.for_s:g} s", _state(r)] for r in rules],
        data=rules,
    )


@app.command("show")
@platform_command
async def show_rule(invocation: Invocation, rule: Id) -> None:
    """Read one rule."""
    async with invocation.client() as client:
        found = await client.alert_rule(rule)
    _show(invocation, found)


@app.command("create")
@platform_command
async def create_rule(
    invocation: Invocation,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What its alerts are called.")] = None,
    file: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="The rule as REST takes it, in place of the options.")
    ] = None,
    metric: Annotated[str | None, typer.Option(help="About this metric.")] = None,
    above: Annotated[float | None, typer.Option(help="It is over this.")] = None,
    below: Annotated[float | None, typer.Option(help="It is under this.")] = None,
    clear_at: Annotated[float | None, typer.Option(help="Where it ends again. Default: where it began.")] = None,
    within: Annotated[str | None, typer.Option(metavar="5m", help="--above and --below mean a change in this.")] = None,
    silent: Annotated[str | None, typer.Option(metavar="10m", help="Nothing was reported for so long.")] = None,
    offline: Annotated[str | None, typer.Option(metavar="1h", help="The device is disconnected for so long.")] = None,
    holds: Annotated[str | None, typer.Option("--for", metavar="30s", help="So long before it alerts.")] = None,
    severity: Annotated[str | None, typer.Option(metavar="info|warning|critical", help="Default: warning.")] = None,
    devices: Annotated[
        list[str] | None, typer.Option("--device", metavar="UID", help="At this device; may be repeated.")
    ] = None,
    rql: Annotated[str | None, typer.Option(help="At the devices that this query finds.")] = None,
    group: Annotated[str | None, typer.Option(metavar="ID|NAME", help="At the devices of this group.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many devices it is about.")] = False,
) -> None:
    """Make a rule, by options or from a file. Without --device, --rql and --group it is for all devices."""
    chosen = [_bounds(metric, above, below, clear_at, within), _silence(metric, silent), _absence(offline)]
    conditions = [condition for condition in chosen if condition]
    if len(conditions) != (file is None) or (file is None and name is None):
        raise BadUsage("it is not clear which rule", "give NAME with --metric, --silent or --offline, or --file")
    async with invocation.client() as client:
        if file is not None:
            body = documents.read(file)
        else:
            group_id = None if group is None else (await client.find_group(group)).id
            scope = {"group_id": group_id, "rql": rql, "device_uids": devices}
            given = {
                "name": name,
                "severity": severity,
                "condition": conditions[0],
                "for_s": None if holds is None else times.duration(holds).total_seconds(),
                "scope": {member: value for member, value in scope.items() if value is not None} or None,
            }
            body = {member: value for member, value in given.items() if value is not None}
        with documents.read_as(file) if file is not None else nullcontext():
            if dry_run:
                preview = await client.preview_alert_rule(body)
                invocation.output.record({"Devices": preview.devices}, data=preview)
                return
            rule = await client.create_alert_rule(body)
    _show(invocation, rule)


@app.command("silence")
@platform_command
async def silence_rule(
    invocation: Invocation,
    rule: Id,
    lasts: Annotated[str | None, typer.Option("--for", metavar="2h", help="So long from now on.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until then, e.g. 2026-12-01T22:00:00Z.")] = None,
    end: Annotated[bool, typer.Option("--end", help="End the silence.")] = False,
) -> None:
    """Let no alert of a rule open for a time. Open ones stay open; what still holds in the end alerts then."""
    if sum((lasts is not None, until is not None, end)) != 1:
        raise BadUsage("it is not clear how long", "give one of --for, --until and --end")
    at = times.moment(until) if until is not None else None
    if lasts is not None:
        at = times.after(datetime.now(UTC), lasts)
    async with invocation.client() as client:
        found = await client.silence_alert_rule(rule, at)
    _show(invocation, found)


@app.command("enable")
@platform_command
async def enable_rule(invocation: Invocation, rule: Id) -> None:
    """Let a rule open alerts again."""
    await _change(invocation, rule, {"enabled": True})


@app.command("disable")
@platform_command
async def disable_rule(invocation: Invocation, rule: Id) -> None:
    """Let a rule open no alerts, until it is enabled."""
    await _change(invocation, rule, {"enabled": False})


@app.command("delete")
@platform_command
async def delete_rule(invocation: Invocation, rule: Id) -> None:
    """Delete a rule and clear its open alerts. Past ones stay."""
    async with invocation.client() as client:
        await client.delete_alert_rule(rule)
    invocation.output.record({"Deleted": rule}, data={"id": rule})


async def _change(invocation: Invocation, rule: str, body: dict[str, Any]) -> None:
    async with invocation.client() as client:
        changed = await client.change_alert_rule(rule, body)
    _show(invocation, changed)


def _bounds(
    metric: str | None, above: float | None, below: float | None, clear_at: float | None, within: str | None
) -> dict[str, Any]:
    """A threshold or a rate; empty where no limit was given. Raises BadUsage."""
    if above is None and below is None:
        return {}
    if metric is None:
        raise BadUsage("there is no metric to compare", "give --metric")
    window = {} if within is None else {"window_s": times.duration(within).total_seconds()}
    limits = {"metric": metric, "above": above, "below": below, "clear_at": clear_at}
    kind = "rate" if window else "threshold"
    return {"kind": kind, **window, **{name: value for name, value in limits.items() if value is not None}}


def _silence(metric: str | None, silent: str | None) -> dict[str, Any]:
    if silent is None:
        return {}
    about = {} if metric is None else {"metric": metric}
    return {"kind": "missing", "for_s": times.duration(silent).total_seconds(), **about}


def _absence(offline: str | None) -> dict[str, Any]:
    return {} if offline is None else {"kind": "presence", "offline_s": times.duration(offline).total_seconds()}


def _condition(rule: AlertRule) -> str:
    members = {name: value for name, value in rule.condition.items() if value is not None}
    return " ".join([str(members.pop("kind", "")), *(f"{name}={value}" for name, value in members.items())])


def _state(rule: AlertRule) -> str:
    if not rule.enabled:
        return "disabled"
    if rule.silenced_until is not None and rule.silenced_until > datetime.now(UTC):
        return f"silent until {when(rule.silenced_until)}"
    return "enabled"


def _show(invocation: Invocation, rule: AlertRule) -> None:
    scope = {name: value for name, value in (rule.scope or {}).items() if value is not None}
    fields: dict[str, object] = {
        "Rule": rule.id,
        "Name": rule.name,
        "Severity": rule.severity,
        "Condition": _condition(rule),
        "For": f"{rule.for_s:g} s",
        "Devices": " ".join(f"{name}={value}" for name, value in scope.items()) or "all",
        "State": _state(rule),
        "Created": f"{when(rule.created_at)} by {rule.created_by}",
        "Version": rule.version,
    }
    invocation.output.record(fields, data=rule)
