"""The `muster-stack` command: what `make up`, `down`, `status`, `logs` and `demo` call."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from muster_stack.compose import Compose, ComposeFailed, engine_answers
from muster_stack.demo import SIMULATOR, Demo
from muster_stack.layout import DEFAULT_STACK, REPOSITORY, Layout
from muster_stack.packages import install_test_clients
from muster_stack.processes import Processes, StartFailed
from muster_stack.programs import MissingPrograms
from muster_stack.provision import provision as provision_files
from muster_stack.services import SERVICES, MigrationFailed, migrate_service
from muster_stack.settings import read_settings
from muster_stack.stack import Stack
from shared.manifests import add_manifest_key as add_key

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
_out = Console(highlight=False, soft_wrap=True)

Directory = Annotated[Path, typer.Option("--stack", help="The stack's directory.")]
_RUNNING = "\nthe simulated devices run already"


@app.command()
def up(directory: Directory = DEFAULT_STACK) -> None:
    """Start everything, or repair what does not run; return when all of it is ready."""
    with _failures():
        _bring_up(directory)


@app.command()
def demo(
    directory: Directory = DEFAULT_STACK,
    devices: Annotated[int, typer.Option(min=1, help="How many devices to simulate.")] = 25,
) -> None:
    """Start everything, leave a simulated fleet running, and update a part of it."""
    with _failures():
        layout = _bring_up(directory)
        demonstration = Demo(layout, say=_out.print)
        is_new = demonstration.begin(devices)
        _out.print(f"\n{devices} simulated devices publish; `make down` ends them too" if is_new else _RUNNING)
        _out.print(f"watch them at [bold]{_info(layout)['dashboard']}[/bold]")
        if is_new:
            demonstration.update(devices)


@app.command()
def down(directory: Directory = DEFAULT_STACK) -> None:
    """End everything that was started. The data stays."""
    with _failures():
        _end(directory)


@app.command()
def clean(directory: Directory = DEFAULT_STACK) -> None:
    """End everything and remove the stack's directory, data included."""
    with _failures():
        layout = Layout(directory.resolve())
        if not layout.ports.exists():
            raise FileNotFoundError(f"no stack in {layout.root}")
        _end(directory, "--volumes")
        shutil.rmtree(layout.root)
        _out.print(f"removed {layout.root}")


@app.command()
def status(directory: Directory = DEFAULT_STACK) -> None:
    """Show every process: whether it runs and serves."""
    with _failures():
        if engine_answers():
            _compose(directory).run("ps")
            return
        stack = _stack(directory)
        table = Table("process", "state", "pid", box=None, pad_edge=False)
        words = {True: "[green]ready[/green]", False: "[yellow]not ready[/yellow]", None: "[green]running[/green]"}
        for state in stack.status():
            word = words[state.ready] if state.pid is not None else "[red]not running[/red]"
            table.add_row(state.name, word, str(state.pid or ""))
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
    follow = ["-f"] if sys.stdout.isatty() else []
    with _failures(), contextlib.suppress(KeyboardInterrupt):
        if engine_answers():
            _compose(directory).run("logs", "--tail", str(lines), *follow, *([service] if service else []))
            return
        folder = Layout(directory.resolve()).logs
        files = sorted(path for path in folder.glob("*.log") if path.stem.startswith(service))
        if not files:
            raise FileNotFoundError(f"no log of {service or 'any process'} in {folder}")
        subprocess.run(["tail", "-n", str(lines), *follow, *files], check=False)


@app.command("test-clients")
def test_clients() -> None:
    """Install the clients of other makers that the tests use, where they are missing."""
    with _failures():
        install_test_clients(_out.print)


@app.command()
def provision(directory: Path) -> None:
    """Make keys, passwords and settings as files, for docker compose and Kubernetes."""
    credentials = provision_files(directory, read_settings(os.environ, REPOSITORY / ".env"))
    _out.print(f"{directory} holds what each process reads; sign in as {credentials.admin_email}")


@app.command("add-manifest-key")
def add_manifest_key(directory: Path) -> None:
    """Make a new key that signs manifests in a directory of keys; devices may still check by those before it."""
    with _failures():
        path = add_key(directory)
        _out.print(f"{path} signs when ota-service is started again")


@app.command()
def migrate(service: str) -> None:
    """Create a service's database at MUSTER_POSTGRES_URL, and bring it to the newest schema."""
    with _failures():
        chosen = next((known for known in SERVICES if known.name == service and known.database), None)
        if chosen is None:
            raise ValueError(f"{service} has no database")
        migrate_service(chosen, read_settings(os.environ, REPOSITORY / ".env"))


def _bring_up(directory: Path) -> Layout:
    began = time.monotonic()
    if engine_answers():
        compose = _compose(directory)
        compose.up()
        layout, started = compose.layout, True
    else:
        stack = _stack(directory)
        layout, started = stack.layout, bool(stack.up())
    if started:
        _out.print(f"\nMuster is up ({time.monotonic() - began:.0f} s)")
    else:
        _out.print("Muster is up already; nothing was changed")
    info = _info(layout)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for name in ("dashboard", "gateway", "device_management", "ota_service", "monitoring", "mqtt"):
        table.add_row("", name.replace("_", "-"), info[name])
    table.add_row("", "sign in as", info["admin"]["email"])
    table.add_row("", "password", info["admin"]["password"])
    table.add_row("", "all addresses", os.path.relpath(layout.info))
    _out.print(table)
    return layout


def _end(directory: Path, *compose_options: str) -> None:
    if engine_answers():
        layout = Layout(directory.resolve())
        Processes(layout.run, layout.logs).stop([SIMULATOR])
        _compose(directory).run("down", *compose_options)
        return
    ended = _stack(directory).down()
    _out.print(f"ended {', '.join(ended)}" if ended else "nothing was running")


def _stack(directory: Path) -> Stack:
    return Stack(directory, read_settings(os.environ, REPOSITORY / ".env"), say=_out.print)


def _compose(directory: Path) -> Compose:
    return Compose(directory, read_settings(os.environ, REPOSITORY / ".env"), say=_out.print)


def _info(layout: Layout) -> dict[str, Any]:
    return json.loads(layout.info.read_text())


@contextlib.contextmanager
def _failures() -> Generator[None]:
    """What a person can do something about is a sentence and exit code 1, not a traceback."""
    try:
        yield
    except (MissingPrograms, StartFailed, MigrationFailed, ComposeFailed, FileNotFoundError, ValueError) as error:
        Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(str(error))
        raise typer.Exit(1) from None
