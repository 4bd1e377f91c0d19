"""A whole platform in one directory: brought up, repaired, described and taken down."""

import fcntl
import json
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from muster_stack.addresses import explicit_servers
from muster_stack.allocation import allocate
from muster_stack.credentials import Credentials, write_private
from muster_stack.layout import Layout
from muster_stack.packages import install_missing
from muster_stack.ports import Ports
from muster_stack.processes import Processes
from muster_stack.programs import EPMD, NGINX, POSTGRES, RABBITMQ, REDIS
from muster_stack.server import Server, ensure, side_by_side
from muster_stack.servers import Servers, wire
from muster_stack.services import SERVICES, migrate_service
from shared.manifests import create_manifest_keys
from shared.sealing import create_sealing_key
from shared.tokens import create_keys

Say = Callable[[str], None]

_PROGRAMS = {"postgres": (POSTGRES,), "redis": (REDIS,), "rabbitmq": (RABBITMQ, EPMD)}
_RESTARTED = "it is restarted"
_RELIEVED = "a new process relieves it"
_REPLACED = {
    "rabbitmq": "it is restarted, and devices are cut off until it is ready",
    **{f"{service.name}-api": _RELIEVED for service in SERVICES},
}
_STORES_LAST = ("rabbitmq", "postgres", "redis", "mongodb", "epmd")


@dataclass(frozen=True)
class ProcessState:
    """`pid` is None when it does not run. `ready` says whether it serves; None where nothing can be asked."""

    name: str
    pid: int | None
    ready: bool | None


class Stack:
    """`settings` are the `MUSTER_*` settings given from outside."""

    def __init__(self, root: Path, settings: Mapping[str, str], say: Say = lambda _line: None) -> None:
        self.layout = Layout(root.resolve())
        self.processes = Processes(self.layout.run, self.layout.logs)
        self._settings = settings
        self._say = say

    @property
    def info(self) -> dict[str, Any]:
        """The stack's description. Raises FileNotFoundError before the first `up`."""
        return json.loads(self.layout.info.read_text())

    def up(self) -> list[str]:
        """Starts what does not run, or not as it should; answers the names of those started.

        Raises MissingPrograms, StartFailed, MigrationFailed or ValueError; what already runs then stays.
        """
        with self._locked():
            self._install()
            servers = self._prepare()
            outdated = any(not self.processes.is_current(owner.spec()) for owner in servers.with_database)
            started: list[str] = []

            def bring_up(*in_order: Server) -> None:
                for server in in_order:
                    if self._is_outdated(server):
                        self._say(f"{server.name} is to run otherwise by now: {_REPLACED.get(server.name, _RESTARTED)}")
                    began = time.monotonic()
                    if ensure(self.processes, server):
                        started.append(server.name)
                        self._say(f"{server.name} is ready ({time.monotonic() - began:.1f} s)")

            def databases() -> None:
                bring_up(*servers.stores.get("postgres", ()))
                if outdated or "postgres" in started:
                    self._migrate(servers)

            others = [lane for name, lane in servers.stores.items() if name != "postgres"]
            replaced = [lane for lane in others if any(map(self._is_outdated, lane))]
            side_by_side(databases, *(partial(bring_up, *lane) for lane in others if lane not in replaced))
            # Whoever uses these goes on meanwhile, so each is away for as long as it alone takes to start.
            for lane in replaced:
                bring_up(*lane)
            side_by_side(*(partial(bring_up, server) for server in (*servers.services, servers.gateway)))
            description = servers.addresses.description(self._credentials())
            write_private(self.layout.info, json.dumps(description, indent=2) + "\n")
            return started

    def down(self) -> list[str]:
        """Ends all that was started: first what uses, then what is used. Answers the names of those that ran."""
        with self._locked():
            known = self.processes.known()
            users = [name for name in known if name not in _STORES_LAST]
            stores = [name for name in _STORES_LAST if name in known and name != "epmd"]
            return [name for names in (users, stores, ["epmd"]) for name in self.processes.stop(names)]

    def status(self) -> list[ProcessState]:
        """Every process that the stack has or should have; none of a stack that was never up."""
        servers = self._wired().by_name() if self.layout.ports.exists() else {}
        states: dict[str, ProcessState] = {}

        def look(name: str) -> None:
            pid = self.processes.pid(name)
            server = servers.get(name)
            states[name] = ProcessState(name, pid, server.ready() if server is not None and pid is not None else None)

        names = list(dict.fromkeys([*servers, *self.processes.known()]))
        side_by_side(*(partial(look, name) for name in names))
        return [states[name] for name in names]

    def kill(self, name: str) -> None:
        """SIGKILL to one process, as a crash would do. Raises KeyError for a name that the stack does not have."""
        self._known(name)
        self.processes.kill(name)

    def stop(self, name: str) -> None:
        """Ends one process in good order. Raises KeyError for a name that the stack does not have."""
        self._known(name)
        self.processes.stop([name])

    def start(self, name: str) -> None:
        """Starts one process again after `kill` or `stop`; returns when it serves. Raises KeyError, StartFailed."""
        ensure(self.processes, self._known(name))

    def _is_outdated(self, server: Server) -> bool:
        """Whether it runs, and not as it should."""
        return self.processes.pid(server.name) is not None and not self.processes.is_current(server.spec())

    def _known(self, name: str) -> Server:
        return self._wired().by_name()[name]

    def _install(self) -> None:
        given = explicit_servers(self._settings)
        wanted = [program for name, programs in _PROGRAMS.items() if name not in given for program in programs]
        install_missing((*wanted, NGINX), self._say)

    def _prepare(self) -> Servers:
        """Keys, passwords and ports."""
        create_keys(self.layout.keys)
        create_manifest_keys(self.layout.keys)
        create_sealing_key(self.layout.keys)
        self._credentials()
        allocate(Ports(self.layout.ports), self.processes, canonical=self.layout.is_default, say=self._say)
        return self._wired()

    def _credentials(self) -> Credentials:
        return Credentials.keep(self.layout.credentials, self._settings)

    def _wired(self) -> Servers:
        return wire(self.layout, Ports(self.layout.ports), self._credentials(), self._settings)

    def _migrate(self, servers: Servers) -> None:
        owners = {process.service: process.settings for process in servers.with_database}
        began = time.monotonic()
        side_by_side(*(partial(migrate_service, service, settings) for service, settings in owners.items()))
        self._say(f"migrations are applied ({time.monotonic() - began:.1f} s)")

    @contextmanager
    def _locked(self) -> Generator[None]:
        """One command at a time changes a stack; another waits."""
        self.layout.root.mkdir(parents=True, exist_ok=True)
        with self.layout.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._say("waiting for another command on this stack")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield
