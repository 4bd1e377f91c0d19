"""The whole platform in a throw-away directory, and a fleet that is registered in it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from muster_cli.client import MusterClient
from muster_cli.connection import Endpoint
from muster_cli.sign_in import PasswordSignIn
from muster_cli.simulator.enrolment import Enrolment
from muster_cli.simulator.population import simulated_device
from muster_cli.simulator.tally import Tally
from muster_cli.simulator.tokens import TokenFile
from muster_stack.keeper import Keeper
from muster_stack.ports import LOOPBACK, Ports
from muster_stack.stack import Stack

WORKER = "monitoring-worker"

_SETTINGS = {
    "MUSTER_LOG_LEVEL": "WARNING",
    "MUSTER_PERSON_REQUESTS_PER_SECOND": "0",
    "MUSTER_DEVICE_REQUESTS_PER_SECOND": "0",
}
"""One person asks for all of a fleet, and few devices stand for many, as fast as the platform answers."""


@dataclass(frozen=True)
class Platform:
    """`info` is the stack's stack.json."""

    stack: Stack
    info: dict[str, Any]

    @property
    def mqtt(self) -> Endpoint:
        return Endpoint.parse(self.info["mqtt"])

    def port(self, process: str) -> int:
        """A worker's metrics answer there."""
        return Ports(self.stack.layout.ports)[process]

    def metrics_url(self, process: str) -> str:
        return f"http://{LOOPBACK}:{self.port(process)}/metrics"

    def pid(self, process: str) -> int:
        """Raises RuntimeError when it does not run."""
        pid = self.stack.processes.pid(process)
        if pid is None:
            raise RuntimeError(f"{process} does not run")
        return pid

    def access_token(self) -> str:
        """A fresh access token of the administrator, good for 15 minutes."""
        form = {"username": self.info["admin"]["email"], "password": self.info["admin"]["password"]}
        answer = httpx.post(f"{self.info['gateway']}/api/v2/auth/login", data=form, trust_env=False, timeout=60)
        return answer.raise_for_status().json()["access_token"]

    async def enrol(self, prefix: str, count: int) -> dict[str, str]:
        """Registers devices; their tokens by uid."""
        devices = [simulated_device(prefix, number, 0) for number in range(1, count + 1)]
        tokens = TokenFile(Path(self.stack.layout.root) / "benchmark" / f"{prefix}.json")
        sign_in = PasswordSignIn(self.info["gateway"], **self.info["admin"])
        async with MusterClient.open(self.info["gateway"], sign_in) as client:
            enrolled = await Enrolment(client, tokens, Tally(count)).enrol(devices)
        return {uid: one.token for uid, one in enrolled.items()}


@contextmanager
def started() -> Generator[Platform]:
    keeper = Keeper("muster-bench-")
    try:
        stack = Stack(keeper.directory, settings=_SETTINGS, say=print)
        stack.up()
        yield Platform(stack, stack.info)
    finally:
        keeper.close()
