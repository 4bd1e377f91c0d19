"""What every command has: the connection options, `--json`, an event loop, and errors on one line with an exit code."""

import asyncio
import functools
import inspect
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec, get_type_hints

import typer
import uvloop

from muster_cli.client import MusterClient
from muster_cli.connection import Connection, Options, resolve
from muster_cli.errors import CommandError
from muster_cli.options import CONNECTION, ProfileName, Server, Stack
from muster_cli.output import Output
from shared.cancellation import end

P = ParamSpec("P")

_INTERRUPTED = 128 + signal.SIGINT
_OPTIONS = {
    "server": Server,
    "email": Annotated[
        str | None, typer.Option(help="Who signs in. Default: MUSTER_ADMIN_EMAIL.", rich_help_panel=CONNECTION)
    ],
    "password": Annotated[
        str | None,
        typer.Option(help="Better in MUSTER_ADMIN_PASSWORD: others see arguments.", rich_help_panel=CONNECTION),
    ],
    "stack": Stack,
    "profile": ProfileName,
    "as_json": Annotated[bool, typer.Option("--json", help="Print the result as JSON.")],
}


@dataclass(frozen=True)
class Invocation:
    """One run of a command: which platform, and how to print."""

    connection: Connection
    output: Output

    def client(self) -> AbstractAsyncContextManager[MusterClient]:
        """Raises BadUsage when it is not known who signs in."""
        return MusterClient.open(self.connection.server, self.connection.sign_in())


def _with_those_at_the_top(context: typer.Context, values: Mapping[str, Any]) -> Options:
    """What stands after the command goes before what stands in front of it."""
    top: Mapping[str, Any] = context.find_root().obj or {}
    return Options(**{**top, **{name: value for name, value in values.items() if value is not None}})


def platform_command(command: Callable[Concatenate[Invocation, P], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes a typer command of `command`: its own parameters, after the invocation, and the options above.

    A parameter whose type is a dataclass stands for an option of each of its fields.
    """
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    gathered: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}
    own = [each for one in parameters for each in (_of_fields(one.annotation) if one.name in gathered else [one])]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        as_json, context = values.pop("as_json"), values.pop("context")
        options = _with_those_at_the_top(context, {name: values.pop(name) for name in _OPTIONS if name != "as_json"})
        for name, kind in gathered.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
        try:
            invocation = Invocation(resolve(options, os.environ, Path.cwd()), Output(as_json=as_json))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_interruptible(command(invocation, **values)))  # pyright: ignore[reportCallIssue] - typer passes by name
        except CommandError as error:
            sys.stderr.write(f"error: {error}\n")
            raise typer.Exit(error.exit_code) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(_INTERRUPTED) from None

    added = [
        _named("context", typer.Context),
        *(_named(name, kind, default=False if name == "as_json" else None) for name, kind in _OPTIONS.items()),
    ]
    all_of_them = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *added]
    run.__signature__ = inspect.Signature(all_of_them)  # pyright: ignore[reportAttributeAccessIssue] - typer reads it
    run.__annotations__ = {one.name: one.annotation for one in all_of_them}
    return run


async def _interruptible(command: Coroutine[Any, Any, None]) -> None:
    """Runs a command that ends when it is interrupted, also where what it awaits drops the cancellation."""
    task = asyncio.create_task(command)
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        await end([task])
        if not task.cancelled():
            task.exception()  # or asyncio says on standard error that nobody asked for it
        raise
    task.result()


def _of_fields(kind: Any) -> list[inspect.Parameter]:
    types = get_type_hints(kind, include_extras=True)
    return [_named(field.name, types[field.name], default=field.default) for field in fields(kind)]


def _named(name: str, kind: Any, *, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
