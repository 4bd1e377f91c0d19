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

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.http.server import KEEP_ALIVE_SECONDS
from shared.testing.waiting import eventually
from shared.testing.walk import Creations, walkable

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
        # Longer than clients keep theirs: one that is ended while a request is on its way is an error to them.
        config = uvicorn.Config(
            app, log_config=None, timeout_graceful_shutdown=1, timeout_keep_alive=KEEP_ALIVE_SECONDS
        )
        server = _Server(config)
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
    examples: int = 100
    """Of each operation, and walks, at length."""

    @property
    def at_length(self) -> bool:
        return self.seed is not None

    async def on(
        self,
        address: str,
        *,
        token: str,
        tag: str | None = None,
        parameters: Mapping[str, str] = MappingProxyType({}),
        creations: Creations = MappingProxyType({}),
        kept: str | None = None,
        forms: str | None = None,
        linked: bool = True,
    ) -> None:
        """Tries all operations, or those of one tag, as the bearer of `token`. Fails with what schemathesis finds.

        `parameters` have a fixed value, e.g. `path.uid`. With `creations` it walks from them along the document's own
        links, before made up requests have changed what creations stand on; without, requests follow each other as
        schemathesis guesses. What lies below a path that matches `kept`, a regular expression, may still be read when
        it is deleted. What matches `forms` takes forms, in which null and numbers are written as texts are, and need
        not be refused for one. Operations of which none leads to another are not `linked`.
        """
        operations = (_unchecked("use_after_free", kept), _unchecked("negative_data_rejection", forms))
        self._configure(parameters, linked=bool(creations), operations="".join(operations))
        limits = ("--include-tag", tag) if tag else ()
        alone = "fuzzing" if self.seed is None else "examples,coverage,fuzzing"
        if creations:
            async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=60) as client:
                document = (await client.get("/openapi.json")).json()
            path = self.directory / "walk.json"
            path.write_text(json.dumps(walkable(document, creations)))
            await self._run(str(path), "--url", address, "--phases", "stateful", token=token)
        phases = f"{alone},stateful" if linked and not creations else alone
        await self._run(f"{address}/openapi.json", "--phases", phases, *limits, token=token)

    def _configure(self, parameters: Mapping[str, str], *, linked: bool, operations: str) -> None:
        fixed = "".join(f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in parameters.items())
        examples, walks, steps = (1, 1, 100) if self.seed is None else (self.examples, self.examples, 100)
        inference = "[phases.stateful.inference]\nalgorithms = []\n" if linked else ""
        self._config.write_text(
            f"[phases.fuzzing.generation]\nmax-examples = {examples}\n"
            f"[phases.stateful]\nmax-steps = {steps}\n"
            f"[phases.stateful.generation]\nmax-examples = {walks}\n{inference}"
            f"[parameters]\n{fixed}{operations}"
        )

    @property
    def _config(self) -> Path:
        return self.directory / "schemathesis.toml"

    async def _run(self, document: str, *options: str, token: str) -> None:
        effort = ("--generation-deterministic", "--no-shrink") if self.seed is None else ("--seed", str(self.seed))
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", self._config, "run", document, *options),
            *("--header", f"Authorization: Bearer {token}", "--exclude-checks", _SWITCHED_OFF, "--no-color", *effort),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self.directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        report, _ = await process.communicate()
        if process.returncode:
            raise AssertionError(report.decode())
        sys.stdout.write(report.decode())


def _unchecked(check: str, paths: str | None) -> str:
    if paths is None:
        return ""
    return f"[[operations]]\ninclude-path-regex = {json.dumps(paths)}\nchecks.{check}.enabled = false\n"
