"""A private MongoDB: mongod when the machine has one, else SecantusDB, which speaks the same protocol.

SecantusDB is a program of the virtual environment and a separate process; nothing imports it and no image ships it.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from muster_stack.ports import LOOPBACK
from muster_stack.processes import Spec
from muster_stack.programs import of_this_environment
from muster_stack.server import base_environment


@dataclass(frozen=True)
class MongoDB:
    directory: Path
    port: int
    name: str = "mongodb"

    @property
    def url(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}"

    def spec(self) -> Spec:
        mongod = shutil.which("mongod")
        return Spec(
            name=self.name,
            argv=self._secantusdb() if mongod is None else self._mongod(mongod),
            cwd=self.directory,
            env=base_environment(self.directory),
        )

    def prepare(self) -> None:
        for directory in (self.directory, self.directory / "mongod", self.directory / "secantusdb"):
            directory.mkdir(parents=True, exist_ok=True)

    def ready(self) -> bool:
        client: MongoClient[dict[str, Any]] = MongoClient(self.url, serverSelectionTimeoutMS=500)
        try:
            return bool(client.admin.command("ping")["ok"])
        except PyMongoError:
            return False
        finally:
            client.close()

    def _mongod(self, program: str) -> tuple[str, ...]:
        data = str(self.directory / "mongod")
        cache = ("--wiredTigerCacheSizeGB", "0.5")
        return (program, "--quiet", "--bind_ip", LOOPBACK, "--port", str(self.port), "--dbpath", data, *cache)

    def _secantusdb(self) -> tuple[str, ...]:
        program = str(of_this_environment("secantusd-py"))
        data = str(self.directory / "secantusdb")
        address = ("--host", LOOPBACK, "--port", str(self.port), "--standalone")
        # Without syncing each commit an acknowledged write can be lost to SIGKILL.
        return (program, *address, "--storage-path", data, "--sync-on-commit", "--cache-size", "256M")
