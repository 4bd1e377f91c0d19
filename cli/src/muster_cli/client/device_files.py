"""Files of devices, in and out."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import IO

from pydantic import BaseModel

from muster_cli.client.rest import Rest

_UPLOAD_TIMEOUT_S = 300.0
_PIECE = 65_536


class Import(BaseModel):
    """A file of devices being imported, in rows."""

    id: int
    state: str
    total: int
    done: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    refused: int
    error: str | None = None

    @property
    def is_over(self) -> bool:
        return self.state not in {"pending", "running"}


class RefusedRow(BaseModel):
    """A row of a file that was not imported."""

    line: int
    device_uid: str | None = None
    code: str
    error: str


class DeviceFileClient(Rest):
    async def begin_import(self, file: IO[bytes], *, size: int, media_type: str, policy: str, filename: str) -> Import:
        """Streams a file of devices, which must be at its start; the platform carries it out by itself."""

        async def pieces() -> AsyncGenerator[bytes]:
            while piece := file.read(_PIECE):
                yield piece

        return await self._call(
            Import,
            "POST",
            "/api/v2/imports",
            params={"policy": policy, "filename": filename},
            headers={"Content-Type": media_type, "Content-Length": str(size)},
            content=pieces(),
            timeout=_UPLOAD_TIMEOUT_S,
        )

    async def find_import(self, import_id: int) -> Import:
        return await self._call(Import, "GET", f"/api/v2/imports/{import_id}")

    def refused_rows(self, import_id: int, *, limit: int | None = None) -> AsyncIterator[RefusedRow]:
        """In the order of the file; at most `limit`."""
        return self._items(RefusedRow, f"/api/v2/imports/{import_id}/errors", {}, limit=limit)

    def export(self, *, file_format: str, rql: str | None = None) -> AsyncIterator[bytes]:
        """The organization's devices as a file, piece by piece."""
        return self._pieces("/api/v2/devices/export", {"format": file_format, "rql": rql})
