"""What every command does by itself: here, how it ends when somebody does not want it any more."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from muster_cli.command import Invocation, platform_command
from shared import cancellation


@pytest.fixture(autouse=True)
def _with_ctrl_c() -> Iterator[None]:
    """As on a terminal, also where these tests run in a shell's background, which ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def run(command) -> Result:
    app = typer.Typer()
    app.command()(platform_command(command))
    return CliRunner().invoke(app, [])


def test_ctrl_c_ends_a_command():
    async def waits(invocation: Invocation) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()

    assert run(waits).exit_code == 130


def test_ctrl_c_ends_a_command_in_which_something_drops_the_cancellation(monkeypatch):
    monkeypatch.setattr(cancellation, "AGAIN_S", 0.01)
    dropped = []

    async def goes_on(invocation: Invocation) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if dropped:
                    raise
                dropped.append("as asyncio.wait_for of Python 3.11 does when its result is there")

    assert run(goes_on).exit_code == 130
    assert dropped
