"""The words of imports, and their states."""

from enum import StrEnum


class FileFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


class Policy(StrEnum):
    """What becomes of a device that is there and differs from its row."""

    UPDATE = "update"
    SKIP = "skip"


class ImportState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = (ImportState.PENDING, ImportState.RUNNING)
