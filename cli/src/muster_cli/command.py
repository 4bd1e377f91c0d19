"""What every command has: the connection options, `--json`, an event loop, and errors on one line with an exit code."""

import asyncio
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer
import uvloop

from muster_cli.client import MusterClient
from muster_cli.connection import Connection, Options, resolve
from muster_cli.errors import CommandError
from muster_cli.output import Output

P = ParamSpec("P")

_INTERRUPTED = 128 + signal.SIGINT
_PANEL = "Connection"

_OPTIONS = {
    "server": Annotated[
        str | None,
        typer.Option(
            help="The gateway's address. Default: MUSTER_SERVER, or the local stack's.", rich_help_panel=_PANEL
        ),
    ],
    "email": Annotated[
        str | None, typer.Option(help="Who signs in. Default: MUSTER_ADMIN_EMAIL.", rich_help_panel=_PANEL)
    ],
    "password": Annotated[
        str | None,
        typer.Option(help="Better in MUSTER_ADMIN_PASSWORD: others see arguments.", rich_help_panel=_PANEL),
    ],
    "stack": Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A local stack's directory: address and sign-in come from its stack.json. Default: .local, if there.",
            rich_help_panel=_PANEL,
        ),
    ],
    "as_json": Annotated[bool, typer.Option("--json", help="Print the result as JSON.")],
}


@dataclass(frozen=True)
class Invocation:
    """One run of a command: which platform, and how to print."""

    connection: Connection
    output: Output

    def client(self) -> AbstractAsyncContextManager[MusterClient]:
        """Raises BadUsage when it is not known who signs in."""
        email, password = self.connection.credentials()
        return MusterClient.open(self.connection.server, email=email, password=password)


def platform_command(command: Callable[Concatenate[Invocation, P], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a typer command of `command`: its own parameters, after the invocation, and the options above."""

    @functools.wraps(command)
    def run(**values: Any) -> None:
        as_json = values.pop("as_json")
        options = Options(**{name: values.pop(name) for name in _OPTIONS if name != "as_json"})
        try:
            invocation = Invocation(resolve(options, os.environ, Path.cwd()), Output(as_json=as_json))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(command(invocation, **values))  # pyright: ignore[reportCallIssue] - typer passes by name
        except CommandError as error:
            sys.stderr.write(f"error: {error}\n")
            raise typer.Exit(error.exit_code) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(_INTERRUPTED) from None

    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    added = [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=False if name == "as_json" else None,
        )
        for name, annotation in _OPTIONS.items()
    ]
    keyword_own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    run.__signature__ = inspect.Signature([*keyword_own, *added])  # pyright: ignore[reportAttributeAccessIssue] - typer reads it
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
    return run
