"""What the devices of one fleet remember while they are off: their maker's keys, their images and configurations."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from muster_cli.updater.memory import Memory
from muster_cli.updater.offers import PublicKey

_keys = TypeAdapter(list[PublicKey])

_SCHEMA = """
    pragma journal_mode = wal;
    pragma synchronous = normal;
    create table if not exists memory (uid text primary key, registered_at text not null, content text not null);
    create table if not exists configurations (
        uid text primary key, registered_at text not null, content text not null
    );
    create table if not exists keys (only integer primary key check (only = 1), content text not null);
"""


class Flash:
    """A file beside the fleet's tokens: each write is whole or not done, also when this process is killed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        self._database.close()

    def keys(self) -> list[PublicKey]:
        """Those the fleet was made with; none before it was made."""
        row = self._database.execute("select content from keys").fetchone()
        return [] if row is None else _keys.validate_json(row[0])

    def burn(self, keys: Iterable[PublicKey]) -> None:
        self._database.execute("insert or replace into keys values (1, ?)", (_keys.dump_json(list(keys)),))

    def read(self, uid: str, registered_at: datetime) -> Memory:
        """What that very device remembers: in another database the same uid is another device, which is new."""
        query = "select content from memory where uid = ? and registered_at = ?"
        row = self._database.execute(query, (uid, registered_at.isoformat())).fetchone()
        return Memory() if row is None else Memory.model_validate_json(row[0])

    def write(self, uid: str, registered_at: datetime, memory: Memory) -> None:
        values = (uid, registered_at.isoformat(), memory.model_dump_json())
        self._database.execute("insert or replace into memory values (?, ?, ?)", values)

    def configuration(self, uid: str, registered_at: datetime) -> dict[str, Any]:
        """What that very device is set to; empty when it is new."""
        query = "select content from configurations where uid = ? and registered_at = ?"
        row = self._database.execute(query, (uid, registered_at.isoformat())).fetchone()
        return {} if row is None else json.loads(row[0])

    def configure(self, uid: str, registered_at: datetime, configuration: Mapping[str, Any]) -> None:
        values = (uid, registered_at.isoformat(), json.dumps(configuration))
        self._database.execute("insert or replace into configurations values (?, ?, ?)", values)
