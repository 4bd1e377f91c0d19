"""TCP ports on the loopback interface: chosen once and kept in a file, so that addresses survive a restart."""

import json
import random
import socket
import time
from collections.abc import Iterable
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections, so that none is taken in between.
_FREE = range(15_000, 32_000)
_ATTEMPTS = 500
_POLL_SECONDS = 0.05
_claims: list[socket.socket] = []


class NoFreePort(RuntimeError):
    """Every port tried was taken."""


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def may_be_shared(port: int) -> bool:
    """Whether another process of ours could listen there beside the one that does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def becomes_free(port: int, seconds: float = 2.0) -> bool:
    """Whether it is free, or soon is: the threads of a killed process close its sockets one after the other."""
    deadline = time.monotonic() + seconds
    while not (free := is_free(port)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return free


def is_listening(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def any_free(taken: Iterable[int] = ()) -> int:
    """A port nobody listens on that is not in `taken`, and that nobody else gets here while this process lives.

    Raises NoFreePort.
    """
    avoided = set(taken)
    for _ in range(_ATTEMPTS):
        port = random.choice(_FREE)  # noqa: S311 - spreads stacks that start at once, guards nothing
        if port not in avoided and is_free(port) and _claim(port):
            return port
    raise NoFreePort(f"no free port between {_FREE[0]} and {_FREE[-1]}")


def _claim(port: int) -> bool:
    """Whether no living process has chosen it: until its server listens it looks free to all of them.

    The claim is a name in Linux's abstract namespace, which ends with the process.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0muster-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


class Ports:
    """The ports of one stack, by the name of what listens there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}

    def __getitem__(self, name: str) -> int:
        return self._ports[name]

    def get(self, name: str) -> int | None:
        return self._ports.get(name)

    def reserve(self, name: str, *, preferred: int | None = None) -> int:
        """The port kept for `name`; at first `preferred` when it is free, else any free one."""
        kept = self._ports.get(name)
        if kept is not None:
            return kept
        if preferred is not None and preferred not in self._ports.values() and is_free(preferred):
            return self._keep(name, preferred)
        return self._keep(name, any_free(self._ports.values()))

    def replace(self, name: str) -> int:
        """Another port for `name`, because a stranger listens on the one that was kept."""
        return self._keep(name, any_free(self._ports.values()))

    def _keep(self, name: str, port: int) -> int:
        self._ports[name] = port
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self._ports, indent=2) + "\n")
        return port
