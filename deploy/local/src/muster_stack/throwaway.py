"""The same servers in a directory that goes away: for tests.

A keeper process holds the other end of a pipe. When the tests' process ends in whatever way, the pipe closes and the
keeper ends the servers and removes the directory, so that nothing is left behind by a killed run.
"""

import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from muster_stack.mongodb import MongoDB
from muster_stack.ports import Ports
from muster_stack.postgres import Postgres
from muster_stack.processes import Processes
from muster_stack.rabbitmq import ADMIN_USER, MONITOR_USER, SERVICE_USER, Epmd, RabbitMQ, RabbitPorts
from muster_stack.redis import Redis
from muster_stack.server import Server, ensure

STOPPED_BY_THE_KEEPER_SECONDS = 60


class ThrowAway:
    """Servers by name, each started when it is first wanted. Safe for several threads only through `begin`."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="muster-tests-")).resolve()
        self.directory.chmod(0o755)  # PostgreSQL runs as a user of its own and must reach its data
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "muster_stack.throwaway", str(self.directory)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self.processes = _processes(self.directory)
        ports = Ports(self.directory / "ports.json")
        for name in ("postgres", "redis", "mongodb", "epmd", "authorisation", *_BROKER_PORTS):
            ports.reserve(name)
        password = secrets.token_hex(8)
        data = self.directory / "data"
        self.postgres = Postgres(data / "postgres", ports["postgres"], password, durable=False)
        self.redis = Redis(data / "redis", ports["redis"], password)
        self.mongodb = MongoDB(data / "mongodb", ports["mongodb"])
        self.epmd = Epmd(data / "rabbitmq", ports["epmd"])
        self.rabbitmq = RabbitMQ(
            data / "rabbitmq",
            RabbitPorts(
                epmd=ports["epmd"],
                authorisation=ports["authorisation"],
                **{name: ports[name] for name in _BROKER_PORTS},
            ),
            dict.fromkeys((SERVICE_USER, ADMIN_USER, MONITOR_USER), password),
        )
        self._starting: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(max_workers=4)

    def begin(self, name: str) -> None:
        """Starts a server (`postgres`, `redis`, `mongodb` or `rabbitmq`) in the background, once."""
        if name not in self._starting:
            self._starting[name] = self._pool.submit(self._start, name)

    def wait(self, name: str) -> None:
        """Returns when the server serves. Raises what kept it from starting."""
        self.begin(name)
        self._starting[name].result()

    def stop(self, name: str) -> None:
        self.processes.stop([name])

    def kill(self, name: str) -> None:
        """SIGKILL, as a crash would do."""
        self.processes.kill(name)

    def start(self, name: str) -> None:
        """Starts it again after `stop` or `kill`, on the same address and data."""
        self._start(name)

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._keeper.wait(timeout=STOPPED_BY_THE_KEEPER_SECONDS)

    def _start(self, name: str) -> None:
        servers: dict[str, tuple[Server, ...]] = {
            "postgres": (self.postgres,),
            "redis": (self.redis,),
            "mongodb": (self.mongodb,),
            "rabbitmq": (self.epmd, self.rabbitmq),
        }
        for server in servers[name]:
            ensure(self.processes, server)


_BROKER_PORTS = ("amqp", "mqtt", "management", "prometheus", "distribution")


def _processes(directory: Path) -> Processes:
    return Processes(directory / "run", directory / "logs")


def keep(directory: Path, until: Callable[[], object]) -> None:
    """Ends everything under `directory` and removes it, once `until` has returned."""
    until()
    processes = _processes(directory)
    for name in processes.known():
        processes.kill(name)
    processes.stop(processes.known())
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), until=sys.stdin.buffer.read)
