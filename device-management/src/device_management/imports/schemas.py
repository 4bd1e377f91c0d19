"""The HTTP shapes of imports."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from device_management.imports.states import FileFormat, ImportState, Policy


@dataclass(frozen=True)
class ImportOrder:
    """What to do with a file; `filename` is for people."""

    format: FileFormat
    policy: Policy
    filename: str | None = None


class ImportRead(BaseModel):
    """An import and how far it is: of `total` rows `done` were created, updated, unchanged, skipped or refused."""

    id: int
    filename: str | None
    format: FileFormat
    policy: Policy
    state: ImportState
    total: int
    done: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    refused: int
    error: str | None
    created_at: datetime
    finished_at: datetime | None


class ImportErrorRead(BaseModel):
    """A row that was refused: its line in the file, its uid if it has one, and why."""

    line: int
    device_uid: str | None
    code: str
    error: str
