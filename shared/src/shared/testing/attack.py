"""schemathesis against a served application: the OpenAPI document says what may be sent and what may come back."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.testing.waiting import eventually

_SWITCHED_OFF = "positive_data_acceptance"
"""A schema does not say which cursors were handed out, which members exclude each other or what an entity tag looks
like; those are refused, with statuses that are documented like all others."""


class _Server(uvicorn.Server):
    """Leaves the signals to whoever runs the tests."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    """The address of the application behind a real uvicorn."""
    if isinstance(app, FastAPI):
        app.openapi()  # Whoever asks for it does not wait for as long as making it may take on a busy machine.
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = _Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(lambda: server.started)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


@dataclass(frozen=True)
class Attack:
    """How hard to try. Without a seed it is short, and the same each time."""

    directory: Path
    seed: int | None = None

    async def on(
        self, address: str, *, token: str, tag: str | None = None, parameters: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Tries all operations, or those of one tag, as the bearer of `token`. Fails with what schemathesis finds.

        `parameters` have a fixed value, e.g. `path.uid`.
        """
        config = self.directory / "schemathesis.toml"
        fixed = "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in parameters.items())
        config.write_text(f"{self._phases(linked=tag is None)}[parameters]\n{fixed}")
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", f"{address}/openapi.json"),
            *("--header", f"Authorization: Bearer {token}", "--exclude-checks", _SWITCHED_OFF, "--no-color"),
            *(("--include-tag", tag) if tag else ()),
            *self._effort(),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        report, _ = await process.communicate()
        if process.returncode:
            raise AssertionError(report.decode())

    def _phases(self, *, linked: bool) -> str:
        """Sequences follow the document's own links, which begin with creating something; guessed ones rarely do.

        Operations of one tag may be without such links among them.
        """
        fuzzing, stateful, steps = (2, 3, 40) if self.seed is None else (100, 100, 50)
        inference = "[phases.stateful.inference]\nalgorithms = []\n" if linked else ""
        return (
            f"[phases.fuzzing.generation]\nmax-examples = {fuzzing}\n"
            f"[phases.stateful]\nmax-steps = {steps}\n"
            f"[phases.stateful.generation]\nmax-examples = {stateful}\n{inference}"
        )

    def _effort(self) -> tuple[str, ...]:
        if self.seed is None:
            return ("--generation-deterministic", "--no-shrink", "--phases", "fuzzing,stateful")
        return ("--seed", str(self.seed))
