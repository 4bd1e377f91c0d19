"""What a server is to the stack, and the environment that programs start with."""

import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, runtime_checkable

from muster_stack.processes import Processes, Spec

READY_SECONDS = 180.0
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of what is on this machine. One without it first reads every certificate that the system trusts: 20 ms of
CPU time each, and who waits for a start opens many."""


class Server(Protocol):
    """A program of the stack. `spec` changes nothing; `prepare` is called only when the program is about to start."""

    @property
    def name(self) -> str: ...

    def spec(self) -> Spec: ...

    def prepare(self) -> None:
        """Makes its configuration and its data directory; again and again without harm."""
        ...

    def ready(self) -> bool:
        """Whether it serves now."""
        ...


@runtime_checkable
class Relieved(Server, Protocol):
    """A server that a new process of its own may stand beside for a while, so that nobody finds the port closed."""

    def shares(self) -> bool:
        """Whether the process that runs now lets another listen at its port."""
        ...

    def serves(self, pid: int) -> bool:
        """Whether this process of those that share the port takes connections."""
        ...


def base_environment(home: Path) -> dict[str, str]:
    """The environment of a program that must not depend on who started it."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    kept = {name: os.environ[name] for name in ("TZ", "TMPDIR") if name in os.environ}
    return environment | kept | {"HOME": str(home)}


def ensure(processes: Processes, server: Server) -> bool:
    """Sees to it that it runs as its spec says, and serves. Answers whether it had to be started."""
    spec = server.spec()
    if processes.is_current(spec):
        processes.wait_ready(spec.name, server.ready, timeout=READY_SECONDS)
        return False
    if isinstance(server, Relieved) and processes.pid(spec.name) is not None and server.shares():
        server.prepare()
        processes.relieve(spec, server.serves, timeout=READY_SECONDS)
    else:
        processes.stop([spec.name])
        server.prepare()
        processes.start(spec)
    processes.wait_ready(spec.name, server.ready, timeout=READY_SECONDS)
    return True


def side_by_side(*lanes: Callable[[], object]) -> None:
    """Runs all at once. Raises the first failure when all have ended."""
    with ThreadPoolExecutor(max_workers=max(len(lanes), 1)) as pool:
        futures = [pool.submit(lane) for lane in lanes]
    for future in futures:
        future.result()
