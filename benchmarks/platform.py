"""The whole platform in a throw-away directory, and a fleet that is registered in it."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from shared.tokens import Audience, Claims, TokenSigner

WORKER = "monitoring-worker"

_REGISTERED_AT_ONCE = 5_000

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

    async def introduce(self, prefix: str, count: int) -> dict[str, str]:
        """Registers many devices at once, and signs their tokens with the platform's own key; the tokens by uid."""
        signer, now = TokenSigner.load(self.stack.layout.root / "keys"), datetime.now(UTC)
        headers = {"Authorization": f"Bearer {self.access_token()}"}
        async with httpx.AsyncClient(
            base_url=self.info["gateway"], headers=headers, timeout=120, trust_env=False
        ) as client:
            me = (await client.get("/api/v2/auth/me")).raise_for_status().json()
            organization_id = me["organization"]["id"]
            uids = [f"{prefix}-{number:06}" for number in range(count)]
            for start in range(0, count, _REGISTERED_AT_ONCE):
                some = uids[start : start + _REGISTERED_AT_ONCE]
                devices = [{"device_uid": uid, "organization_id": organization_id} for uid in some]
                (await client.post("/api/v2/devices/batch", json=devices)).raise_for_status()
        return {
            uid: signer.sign(
                Claims(
                    subject=uid,
                    organization_id=organization_id,
                    audience=Audience.DEVICE,
                    token_id=uid,
                    not_before=now,
                    expires_at=now + timedelta(days=1),
                    generation=1,
                )
            )
            for uid in uids
        }


@contextmanager
def started() -> Generator[Platform]:
    keeper = Keeper("muster-bench-")
    try:
        stack = Stack(keeper.directory, settings=_SETTINGS, say=print)
        stack.up()
        yield Platform(stack, stack.info)
    finally:
        keeper.close()
