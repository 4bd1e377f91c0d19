"""Muster's own processes: an api and a worker for each service, and the migrations before them."""

import asyncio
import contextlib
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import psutil

from muster_stack.layout import REPOSITORY
from muster_stack.ports import LOOPBACK, may_be_shared
from muster_stack.postgres import create_databases
from muster_stack.processes import Spec
from muster_stack.programs import of_this_environment
from muster_stack.server import NO_TLS, base_environment


@dataclass(frozen=True)
class Service:
    """`database` is the name of its PostgreSQL database, if it has one."""

    name: str
    module: str
    database: str | None = None

    @property
    def folder(self) -> Path:
        return REPOSITORY / self.name

    def revision(self) -> str:
        """Changes with every change of its code, or of the code it shares with the others."""
        digest = sha256()
        for directory in (self.folder, REPOSITORY / "shared" / "src"):
            for path in sorted(directory.glob("**/*.py")):
                if "tests" not in path.parts:
                    status = path.stat()
                    digest.update(f"{path}:{status.st_mtime_ns}:{status.st_size}\n".encode())
        return digest.hexdigest()


SERVICES = (
    Service("device-management", "device_management", database="device_management"),
    Service("ota-service", "ota_service", database="ota_service"),
    Service("monitoring", "monitoring"),
)
KINDS = ("api", "worker")


@dataclass(frozen=True)
class ServiceProcess:
    """One process of a service: `kind` is `api` or `worker`; `port` answers its readiness."""

    service: Service
    kind: str
    port: int
    directory: Path
    settings: Mapping[str, str]

    @property
    def name(self) -> str:
        return f"{self.service.name}-{self.kind}"

    def spec(self) -> Spec:
        module = f"{self.service.module}.{'app' if self.kind == 'api' else 'worker'}"
        port = {"MUSTER_PORT" if self.kind == "api" else "MUSTER_METRICS_PORT": str(self.port)}
        return Spec(
            name=self.name,
            argv=(str(of_this_environment("python")), "-m", module),
            cwd=self.directory,
            env={**base_environment(self.directory), **self.settings, **port},
            stop_seconds=20,
            revision=self.service.revision(),
        )

    def prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    def shares(self) -> bool:
        return self.kind == "api" and may_be_shared(self.port)

    def serves(self, pid: int) -> bool:
        """Its socket listens once its start is over."""
        with contextlib.suppress(psutil.Error):
            connections = psutil.Process(pid).net_connections(kind="tcp")
            return any(one.status == psutil.CONN_LISTEN and one.laddr[1] == self.port for one in connections)
        return False

    def ready(self) -> bool:
        try:
            url = f"http://{LOOPBACK}:{self.port}/readyz"
            return httpx.get(url, timeout=5, trust_env=False, verify=NO_TLS).is_success
        except httpx.HTTPError:
            return False


class MigrationFailed(RuntimeError):
    """The message is what alembic said."""


def migrate_service(service: Service, settings: Mapping[str, str]) -> None:
    """Creates the service's database if need be and brings it to the newest schema. Raises MigrationFailed."""
    url = settings.get("MUSTER_POSTGRES_URL")
    if service.database is None or url is None:
        raise MigrationFailed(f"migrating {service.name} needs MUSTER_POSTGRES_URL")
    asyncio.run(create_databases(url, settings.get("MUSTER_POSTGRES_DATABASE", service.database)))
    directory = Path(tempfile.gettempdir())
    finished = subprocess.run(
        [of_this_environment("alembic"), "-c", service.folder / "alembic.ini", "upgrade", "head"],
        cwd=directory,
        env={**base_environment(directory), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode != 0:
        raise MigrationFailed(f"migrating {service.name} failed:\n{finished.stdout}{finished.stderr}")
