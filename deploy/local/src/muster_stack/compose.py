"""The same platform in containers: what `make up` runs where a Docker engine answers.

Starts nothing itself but `docker compose`; what runs in the containers is in docker-compose.yml.
"""

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from muster_stack.addresses import explicit_servers, resolve
from muster_stack.allocation import PORTS
from muster_stack.credentials import Credentials, write_private
from muster_stack.layout import REPOSITORY, Layout
from muster_stack.ports import LOOPBACK, Ports

_ANSWER_SECONDS = 10.0


class ComposeFailed(RuntimeError):
    """docker compose has said itself what went wrong."""


def engine_answers() -> bool:
    """Whether this machine has a Docker engine that answers, and the compose plugin."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            finished = subprocess.run(command, capture_output=True, timeout=_ANSWER_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return False
        if finished.returncode != 0:
            return False
    return True


class Compose:
    """One compose project for each stack; the stack's directory keeps the published ports and the description."""

    def __init__(self, root: Path, settings: Mapping[str, str], say: Callable[[str], None]) -> None:
        self.layout = Layout(root.resolve())
        self._settings = settings
        self._say = say

    def up(self) -> None:
        """Returns when everything is healthy. Raises ComposeFailed."""
        ports = self._ports()
        left_out = [part for name in sorted(explicit_servers(self._settings)) for part in ("--scale", f"{name}=0")]
        self.run("up", "--build", "--wait", "--remove-orphans", *left_out)
        credentials = self._credentials()
        addresses = resolve(ports, credentials, self._settings)
        if "mongodb" not in explicit_servers(self._settings):
            url = f"mongodb://muster:{credentials.mongodb}@{LOOPBACK}:{ports['mongodb']}/?authSource=admin"
            addresses = replace(addresses, mongodb=url)
        write_private(self.layout.info, json.dumps(addresses.description(credentials), indent=2) + "\n")

    def run(self, *arguments: str) -> None:
        """docker compose with these arguments, on this stack's project. Raises ComposeFailed."""
        if subprocess.run(self._command(*arguments), env=self._environment(), check=False).returncode != 0:
            raise ComposeFailed(f"docker compose {arguments[0]} failed")

    def _credentials(self) -> Credentials:
        command = self._command(
            "run", "--rm", "--no-deps", "-T", "provision", "cat", "/secrets/platform/credentials.json"
        )
        finished = subprocess.run(command, env=self._environment(), check=False, stdout=subprocess.PIPE, text=True)
        if finished.returncode != 0:
            raise ComposeFailed("the provisioned credentials could not be read")
        return Credentials.parse(finished.stdout, self._settings)

    def _command(self, *arguments: str) -> list[str]:
        suffix = "" if self.layout.is_default else f"-{sha256(str(self.layout.root).encode()).hexdigest()[:8]}"
        return ["docker", "compose", "--project-directory", str(REPOSITORY), "-p", f"muster{suffix}", *arguments]

    def _environment(self) -> dict[str, str]:
        ports = self._ports()
        published = {f"MUSTER_{port.name.upper().replace('-', '_')}_PORT": str(ports[port.name]) for port in PORTS}
        return {**os.environ, **published}

    def _ports(self) -> Ports:
        """Chosen once: what listens there later is the engine's own proxy."""
        ports = Ports(self.layout.ports)
        for port in PORTS:
            kept = ports.get(port.name)
            number = ports.reserve(port.name, preferred=port.canonical if self.layout.is_default else None)
            if kept is None and self.layout.is_default and number != port.canonical:
                self._say(f"port {port.canonical} is taken: {port.name} uses {number}")
        return ports
