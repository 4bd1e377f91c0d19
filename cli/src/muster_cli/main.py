"""The `muster` command: a table of contents."""

import logging

import typer

from muster_cli import (
    actions,
    alerts,
    configuration,
    devices,
    firmware,
    groups,
    login,
    releases,
    simulate,
    sites,
    updates,
)
from muster_cli.command import at_the_top
from muster_cli.dead_letters import commands as dead_letters
from muster_cli.device_calls import commands as device_calls
from muster_cli.doctor.commands import doctor
from muster_cli.telemetry import commands as telemetry

app = typer.Typer(
    name="muster",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Look after fleets of devices. `muster login` comes first; beside a local stack (`make up`) you are signed in."
    " `muster doctor` says what is not up.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the platform cannot be reached.",
)
logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told in one line, not by libraries
app.callback()(at_the_top)
app.command("login")(login.login)
app.command("logout")(login.logout)
device_calls.add_to(app)
app.add_typer(devices.app, name="devices")
app.add_typer(groups.app, name="groups")
app.add_typer(configuration.app, name="config")
app.add_typer(sites.app, name="sites")
app.add_typer(firmware.app, name="firmware")
app.add_typer(updates.app, name="updates")
app.add_typer(releases.app, name="releases")
app.add_typer(actions.app, name="actions")
app.add_typer(telemetry.app, name="telemetry")
app.add_typer(alerts.app, name="alerts")
app.add_typer(dead_letters.app, name="dead-letters")
app.command("doctor")(doctor)
app.command("simulate")(simulate.simulate)
