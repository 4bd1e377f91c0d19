"""The `muster` command: a table of contents.

What a word needs is loaded when the word is called: all of it together takes longer than most commands do.
"""

import logging
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup

from muster_cli.options import ProfileName, Server, Stack


class Word(NamedTuple):
    """A command or a group of commands: the `attribute` of a module. `help` is what the list of words says of it."""

    help: str
    module: str
    attribute: str = "app"
    panel: str | None = None


_BY_THE_WORD = "Devices and actions, by the word (over REST or gRPC)"


def _call(attribute: str, help_text: str) -> Word:
    return Word(help_text, "muster_cli.device_calls.commands", attribute, _BY_THE_WORD)


WORDS = {
    "login": Word(
        "Sign in once: later commands need no password. The platform issues an API key that this machine keeps.",
        "muster_cli.login",
        "login",
    ),
    "logout": Word("Revoke this machine's key and forget the profile.", "muster_cli.login", "logout"),
    "doctor": Word(
        "Ask everything that the platform needs, and say of what fails what to do. Exit code 1 when something fails.",
        "muster_cli.doctor.commands",
        "doctor",
    ),
    "simulate": Word(
        "Simulate devices that register, sign in to the broker, publish telemetry, take updates and do actions.",
        "muster_cli.simulate",
        "simulate",
    ),
    "devices": Word(
        "Register, list, search, import and export devices, and issue and revoke tokens.", "muster_cli.devices"
    ),
    "groups": Word("Gather devices into groups, by name or by a query.", "muster_cli.groups"),
    "config": Word("Set devices, one by one or many alike, and see where they differ.", "muster_cli.configuration"),
    "sites": Word("Carry the telemetry of places with an MQTT broker of their own.", "muster_cli.sites"),
    "firmware": Word("Upload, list, approve and withdraw firmware.", "muster_cli.firmware"),
    "updates": Word("Update devices with approved firmware.", "muster_cli.updates"),
    "releases": Word("Update a fleet in waves.", "muster_cli.releases"),
    "actions": Word("Ask devices to do something.", "muster_cli.actions"),
    "telemetry": Word("See what devices report, as it was and as it comes.", "muster_cli.telemetry.commands"),
    "alerts": Word("See alerts, look after them, and make the rules that open them.", "muster_cli.alerts"),
    "dead-letters": Word("See what consumers gave up, and give it to them again.", "muster_cli.dead_letters.commands"),
    "register": _call("register", "Register a device."),
    "list": _call("list_devices", "List your organization's devices."),
    "get-info": _call("get_info", "Read one device."),
    "set-status": _call("set_status", "Set what a device shows, or move its life (MAINTENANCE)."),
    "initiate-action": _call("initiate_action", "Ask a device to do something. It begins when it is its turn."),
    "action-status": _call("action_status", "Read one action."),
    "poll-action": _call("poll_action", "Follow an action to its end. Exit code 1 when it does not complete."),
}


def loaded(name: str) -> Any:
    """The command or group of a word, with all that it needs."""
    word, whole = WORDS[name], typer.Typer(add_completion=False)
    target = getattr(import_module(word.module), word.attribute)
    if isinstance(target, typer.Typer):
        whole.add_typer(target, name=name, help=word.help)
    else:
        whole.command(name)(target)
    return typer.main.get_group(whole).commands[name]


class _Words(TyperGroup):
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, None if name is None else loaded(name), rest


def _at_the_top(
    context: typer.Context,
    server: Server = None,
    stack: Stack = None,
    profile: ProfileName = None,
    transport: Annotated[
        str | None,
        typer.Option(
            metavar="rest|grpc",
            help="How the device calls go. Default: MUSTER_TRANSPORT, gRPC to a --server on its port, else REST.",
        ),
    ] = None,
) -> None:
    """Options that may stand before the command, for all commands."""
    context.obj = {"server": server, "stack": stack, "profile": profile, "transport": transport}


def _to_be_loaded() -> None:
    """Stands in the list of words for what is loaded when it is called."""


app = typer.Typer(
    name="muster",
    cls=_Words,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="Look after fleets of devices. `muster login` comes first; beside a local stack (`make up`) you are signed in."
    " `muster doctor` says what is not up.",
    epilog="Exit codes: 0 done, 1 refused, 2 wrong usage, 3 the platform cannot be reached.",
)
logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told in one line, not by libraries
app.callback()(_at_the_top)
for _name, _word in WORDS.items():
    app.command(_name, help=_word.help, rich_help_panel=_word.panel)(_to_be_loaded)
