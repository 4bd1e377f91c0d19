"""The `muster` command: a table of contents."""

import typer

from muster_cli import actions, devices, firmware, releases, simulate, updates

app = typer.Typer(
    name="muster",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Look after fleets of devices.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the platform cannot be reached.",
)
app.add_typer(devices.app, name="devices")
app.add_typer(firmware.app, name="firmware")
app.add_typer(updates.app, name="updates")
app.add_typer(releases.app, name="releases")
app.add_typer(actions.app, name="actions")
app.command("simulate")(simulate.simulate)
