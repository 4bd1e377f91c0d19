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

_TABLES = 16
"""SecantusDB spreads all collections over so many tables, and makes one when the first of its collections is made."""
_TABLE_FILES = "secantus_documents_sh*.wt"
_OF_NOBODY = "tables"
"""A database that is there while the tables are made."""


@dataclass(frozen=True)
class MongoDB:
    directory: Path
    port: int
    name: str = "mongodb"

    @property
    def url(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}"

    @property
    def _secantusdb_data(self) -> Path:
        return self.directory / "secantusdb"

    def spec(self) -> Spec:
        mongod = shutil.which("mongod")
        return Spec(
            name=self.name,
            argv=self._secantusdb() if mongod is None else self._mongod(mongod),
            cwd=self.directory,
            env=base_environment(self.directory),
        )

    def prepare(self) -> None:
        for directory in (self.directory, self.directory / "mongod", self._secantusdb_data):
            directory.mkdir(parents=True, exist_ok=True)

    def ready(self) -> bool:
        client: MongoClient[dict[str, Any]] = MongoClient(self.url, serverSelectionTimeoutMS=500)
        try:
            client.admin.command("ping")
            if shutil.which("mongod") is None:
                self._make_tables(client)
        except PyMongoError:
            return False
        finally:
            client.close()
        return True

    def _make_tables(self, client: MongoClient[dict[str, Any]]) -> None:
        """Has SecantusDB make all its tables before it counts as ready.

        Killed in the middle of making one it never starts again (WiredTiger: "cannot be used until all column groups
        are created"), so that must not happen once there is something to lose. Raises PyMongoError.
        """
        number = 0
        while len(list(self._secantusdb_data.glob(_TABLE_FILES))) < _TABLES:
            client[_OF_NOBODY][f"c{number}"].insert_one({"_id": number})
            number += 1
        if number:
            client.drop_database(_OF_NOBODY)

    def _mongod(self, program: str) -> tuple[str, ...]:
        data = str(self.directory / "mongod")
        cache = ("--wiredTigerCacheSizeGB", "0.5")
        return (program, "--quiet", "--bind_ip", LOOPBACK, "--port", str(self.port), "--dbpath", data, *cache)

    def _secantusdb(self) -> tuple[str, ...]:
        program = str(of_this_environment("secantusd-py"))
        data = str(self._secantusdb_data)
        address = ("--host", LOOPBACK, "--port", str(self.port), "--standalone")
        # Without syncing each commit an acknowledged write can be lost to SIGKILL.
        return (program, *address, "--storage-path", data, "--sync-on-commit", "--cache-size", "256M")
