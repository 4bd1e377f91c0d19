"""A private PostgreSQL: one cluster in the stack's directory, scram passwords, loopback only."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import asyncpg  # pyright: ignore[reportMissingTypeStubs] - asyncpg ships no types; _Connection below has those used
import psutil

from muster_stack.ports import LOOPBACK
from muster_stack.processes import Spec
from muster_stack.programs import POSTGRES, require
from muster_stack.server import base_environment

_USER = "muster"


@dataclass(frozen=True)
class Postgres:
    """`durable` off trades what a power cut would lose for speed: for tests, never for a stack one comes back to."""

    directory: Path
    port: int
    password: str
    durable: bool = True
    name: str = "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://{_USER}:{self.password}@{LOOPBACK}:{self.port}"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def spec(self) -> Spec:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "log_min_messages": "warning",
            "fsync": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Spec(
            name=self.name,
            argv=(*self._as_server_user(), str(require(POSTGRES)), "-D", str(self.data), *options),
            cwd=self.directory,
            env=base_environment(self.directory),
            stop_signal=signal.SIGINT,  # the "fast" shutdown; SIGTERM would wait for clients to leave
        )

    def prepare(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            for directory in (self.directory, self.data):
                os.chown(directory, account.pw_uid, account.pw_gid)
        if (self.data / "PG_VERSION").exists():
            self._forget_crash()
        else:
            self._create_cluster()

    def ready(self) -> bool:
        probe = subprocess.run(
            [require(POSTGRES).with_name("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port), "-t", "2"],
            check=False,
            capture_output=True,
        )
        return probe.returncode == 0

    def _create_cluster(self) -> None:
        """A cluster is made beside and moved into place, so that an interrupted initdb is no cluster."""
        making = self.directory / "making"
        shutil.rmtree(making, ignore_errors=True)
        password_file = self.directory / "initdb-password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if os.geteuid() == 0:
            shutil.chown(password_file, "postgres", "postgres")
        try:
            subprocess.run(
                [
                    *self._as_server_user(),
                    require(POSTGRES).with_name("initdb"),
                    f"--pgdata={making}",
                    f"--username={_USER}",
                    f"--pwfile={password_file}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    *([] if self.durable else ["--no-sync"]),
                ],
                cwd=self.directory,
                env=base_environment(self.directory),
                check=True,
                capture_output=True,
                text=True,
            )
        finally:
            password_file.unlink()
        self.data.rmdir()
        making.rename(self.data)

    def _forget_crash(self) -> None:
        """Ends the backends that a killed postmaster left and removes its lock file.

        PostgreSQL takes the lock for held while the killed postmaster is a zombie, which it stays for ever where
        nothing reaps (many containers). The backends must go first: two servers on one directory destroy it.
        """
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(self.data):
                    process.kill()
                    process.wait(timeout=5)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _as_server_user(self) -> list[str]:
        """PostgreSQL refuses root. The capability lets it reach its directory below ones like /root (mode 700)."""
        if os.geteuid() != 0:
            return []
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if _open_to_all(self.directory):
            return command
        return [*command, "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]


class _Connection(Protocol):
    async def fetchval(self, query: str, *args: object) -> object: ...
    async def execute(self, query: str) -> str: ...
    async def close(self) -> None: ...


_connect = cast("Callable[..., Awaitable[_Connection]]", asyncpg.connect)  # pyright: ignore[reportUnknownMemberType]


async def create_databases(url: str, *names: str) -> list[str]:
    """Creates those that are not there on the server at `url`; answers which."""
    connection = await _connect(f"{url}/postgres", timeout=60)
    created: list[str] = []
    try:
        for name in names:
            if not await connection.fetchval("select count(*) from pg_database where datname = $1", name):
                await connection.execute(f'create database "{name}"')
                created.append(name)
    finally:
        await connection.close()
    return created


def _open_to_all(directory: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in directory.resolve().parents if parent.exists())
