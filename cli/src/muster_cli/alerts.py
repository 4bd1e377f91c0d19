"""`muster alerts`: what is not as it should be, and who looks after it."""

from typing import Annotated

import typer

from muster_cli import alert_rules
from muster_cli.client.alerts import Alert
from muster_cli.command import Invocation, platform_command
from muster_cli.options import Limit, OfDevice
from muster_cli.output import when

app = typer.Typer(no_args_is_help=True)
app.add_typer(alert_rules.app, name="rules")

Id = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")]


@app.command("list")
@platform_command
async def list_alerts(
    invocation: Invocation,
    state: Annotated[str | None, typer.Option(metavar="active|cleared", help="In this state alone.")] = None,
    severity: Annotated[
        str | None, typer.Option(metavar="info|warning|critical", help="Of this severity alone.")
    ] = None,
    device: OfDevice = None,
    rule: Annotated[str | None, typer.Option(metavar="ID", help="Of this rule alone.")] = None,
    unacknowledged: Annotated[bool, typer.Option("--unacknowledged", help="Those that nobody looks after.")] = False,
    limit: Limit = None,
) -> None:
    """Your organization's alerts, newest first, open and past ones."""
    wanted = {"state": state, "severity": severity, "device_uid": device, "rule_id": rule}
    async with invocation.client() as client:
        asked = client.alerts(**wanted, acknowledged=False if unacknowledged else None, limit=limit)
        alerts = [alert async for alert in asked]
    invocation.output.rows(
        ["ALERT", "SEVERITY", "DEVICE", "RULE", "STATE", "OPENED"],
        [[a.id, a.severity, a.device_uid, a.rule_name, _state(a), when(a.opened_at)] for a in alerts],
        data=alerts,
    )


@app.command("show")
@platform_command
async def show_alert(invocation: Invocation, alert: Id) -> None:
    """Read one alert with its comments."""
    async with invocation.client() as client:
        found = await client.alert(alert)
    _show(invocation, found)


@app.command("acknowledge")
@platform_command
async def acknowledge_alert(invocation: Invocation, alert: Id) -> None:
    """Say that you look after it. It stays open until its condition ends or somebody clears it."""
    async with invocation.client() as client:
        found = await client.acknowledge_alert(alert)
    _show(invocation, found)


@app.command("comment")
@platform_command
async def comment_alert(
    invocation: Invocation, alert: Id, text: Annotated[str, typer.Argument(metavar="TEXT", help="What others read.")]
) -> None:
    """Write something beside it."""
    async with invocation.client() as client:
        found = await client.comment_alert(alert, text)
    _show(invocation, found)


@app.command("clear")
@platform_command
async def clear_alert(invocation: Invocation, alert: Id) -> None:
    """End it. While its condition still holds no other opens in its place."""
    async with invocation.client() as client:
        found = await client.clear_alert(alert)
    _show(invocation, found)


def _state(alert: Alert) -> str:
    if alert.acknowledged_at is None:
        return alert.state
    return f"{alert.state}, acknowledged"


def _show(invocation: Invocation, alert: Alert) -> None:
    cleared = f"{when(alert.cleared_at)} ({alert.clear_reason})" if alert.cleared_at else None
    fields: dict[str, object] = {
        "Alert": alert.id,
        "Severity": alert.severity,
        "Device": alert.device_uid,
        "Rule": f"{alert.rule_name} ({alert.rule_id})",
        "Metric": alert.metric,
        "Value": alert.value,
        "Limit": alert.threshold,
        "State": alert.state,
        "Opened": when(alert.opened_at),
        "Acknowledged": f"{when(alert.acknowledged_at)} by {alert.acknowledged_by}" if alert.acknowledged_at else None,
        "Cleared": cleared,
        "During": alert.release or alert.session_id,
    }
    comments = alert.comments if isinstance(alert.comments, list) else []
    for number, comment in enumerate(comments, start=1):
        fields[f"Comment {number}"] = f"{when(comment.at)} {comment.by}: {comment.text}"
    invocation.output.record(fields, data=alert)
