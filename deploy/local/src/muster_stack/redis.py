"""A private Redis: a cache with a password, nothing written to disk."""

import contextlib
import socket
from dataclasses import dataclass
from pathlib import Path

from muster_stack.ports import LOOPBACK
from muster_stack.processes import Spec
from muster_stack.programs import REDIS, require
from muster_stack.server import base_environment

REDIS_SETTINGS = """\
save ""
appendonly no
maxmemory 256mb
maxmemory-policy allkeys-lru
loglevel warning
"""


@dataclass(frozen=True)
class Redis:
    directory: Path
    port: int
    password: str
    name: str = "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def _config(self) -> Path:
        return self.directory / "redis.conf"

    def spec(self) -> Spec:
        return Spec(
            name=self.name,
            argv=(str(require(REDIS)), str(self._config)),
            cwd=self.directory,
            env=base_environment(self.directory),
            revision=str(self.port),
        )

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._config.touch(mode=0o600)
        self._config.write_text(
            f'bind {LOOPBACK}\nport {self.port}\nrequirepass {self.password}\ndir "{self.directory}"\n{REDIS_SETTINGS}'
        )

    def ready(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=2) as connection:
            connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (chunk := connection.recv(256)):
                answer += chunk
            return answer.endswith(b"+PONG\r\n")
        return False
