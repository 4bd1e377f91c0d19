"""The `muster-stack` command: what `make up`, `down`, `status`, `logs` and `demo` call."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from muster_stack.layout import DEFAULT_STACK, REPOSITORY
from muster_stack.packages import install_missing
from muster_stack.processes import Spec, StartFailed
from muster_stack.programs import TEST_CLIENTS, MissingPrograms, of_this_environment
from muster_stack.server import base_environment
from muster_stack.services import MigrationFailed
from muster_stack.settings import read_settings
from muster_stack.stack import Stack

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
_out = Console(highlight=False, soft_wrap=True)

Directory = Annotated[Path, typer.Option("--stack", help="The stack's directory.")]


@app.command()
def up(directory: Directory = DEFAULT_STACK) -> None:
    """Start everything, or repair what does not run; return when all of it is ready."""
    _bring_up(directory)


@app.command()
def demo(
    directory: Directory = DEFAULT_STACK,
    devices: Annotated[int, typer.Option(min=1, help="How many devices to simulate.")] = 25,
) -> None:
    """Start everything and leave a simulated fleet running."""
    stack = _bring_up(directory)
    simulator = Spec(
        name="simulator",
        argv=(
            str(of_this_environment("muster")),
            "simulate",
            "--stack",
            str(stack.layout.root),
            "--devices",
            str(devices),
        ),
        cwd=stack.layout.root,
        env=base_environment(stack.layout.root),
    )
    if stack.keep_running(simulator):
        _out.print(f"{devices} simulated devices sign in and publish; `make down` ends them too")
    else:
        _out.print("the simulated devices run already")
    _out.print(f"\n  watch them at  [bold]{stack.info['dashboard']}[/bold]\n")


@app.command()
def down(directory: Directory = DEFAULT_STACK) -> None:
    """End everything that was started. The data stays."""
    ended = _stack(directory).down()
    _out.print(f"ended {', '.join(ended)}" if ended else "nothing was running")


@app.command()
def clean(directory: Directory = DEFAULT_STACK) -> None:
    """End everything and remove the stack's directory, data included."""
    stack = _stack(directory)
    stack.down()
    shutil.rmtree(stack.layout.root)
    _out.print(f"removed {stack.layout.root}")


@app.command()
def status(directory: Directory = DEFAULT_STACK) -> None:
    """Show every process: whether it runs and serves."""
    stack = _stack(directory)
    table = Table("process", "state", "pid", box=None, pad_edge=False)
    words = {True: "[green]ready[/green]", False: "[yellow]not ready[/yellow]", None: "[green]running[/green]"}
    for state in stack.status():
        table.add_row(
            state.name,
            words[state.ready] if state.pid is not None else "[red]not running[/red]",
            str(state.pid or ""),
        )
    if table.row_count == 0:
        _out.print(f"no stack in {stack.layout.root}; `make up` makes one")
        return
    _out.print(table)
    _out.print(f"\nlogs are in {os.path.relpath(stack.layout.logs)}")


@app.command()
def logs(
    directory: Directory = DEFAULT_STACK,
    service: Annotated[str, typer.Option(help="A process, or a service with all of its processes.")] = "",
    lines: Annotated[int, typer.Option(help="How many lines of each to begin with.")] = 20,
) -> None:
    """Show the end of the logs, and on a terminal what is added to them."""
    stack = _stack(directory)
    files = sorted(path for path in stack.layout.logs.glob("*.log") if path.stem.startswith(service))
    if not files:
        _out.print(f"no log of {service or 'any process'} in {stack.layout.logs}")
        raise typer.Exit(1)
    follow = ["-F"] if sys.stdout.isatty() else []
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(["tail", "-n", str(lines), *follow, *files], check=False)


@app.command("test-clients")
def test_clients() -> None:
    """Install the clients of other makers that the tests use, where they are missing."""
    try:
        install_missing(TEST_CLIENTS, _out.print)
    except MissingPrograms as error:
        _fail(str(error))


def _stack(directory: Path) -> Stack:
    return Stack(directory, read_settings(os.environ, REPOSITORY / ".env"), say=_out.print)


def _bring_up(directory: Path) -> Stack:
    stack = _stack(directory)
    began = time.monotonic()
    try:
        started = stack.up()
    except (MissingPrograms, StartFailed, MigrationFailed, ValueError) as error:
        _fail(str(error))
    if started:
        _out.print(f"\nMuster is up ({time.monotonic() - began:.0f} s)")
    else:
        _out.print("Muster is up already; nothing was changed")
    info = stack.info
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for name in ("dashboard", "gateway", "device_management", "ota_service", "monitoring", "mqtt"):
        table.add_row("", name.replace("_", "-"), str(info[name]))
    table.add_row("", "sign in as", str(info["admin"]["email"]))
    table.add_row("", "password", str(info["admin"]["password"]))
    table.add_row("", "all addresses", os.path.relpath(stack.layout.info))
    _out.print(table)
    return stack


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(message)
    raise typer.Exit(1)
