"""Imports and exports over REST."""

import asyncio
import errno
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from hashlib import sha256
from tempfile import TemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from device_management.audit.schemas import Actor
from device_management.devices.schemas import DeviceFilter
from device_management.groups.errors import GroupNotFound
from device_management.imports.errors import (
    ImportIsOver,
    ImportNotFound,
    StorageFull,
    TooManyImports,
    TooManyRows,
    UnknownFormat,
    UnreadableFile,
    UploadCutShort,
)
from device_management.imports.schemas import ImportErrorRead, ImportOrder, ImportRead
from device_management.imports.service import ExportService, ImportService
from device_management.imports.states import FileFormat, Policy
from shared.http.declared import raises
from shared.http.idempotency import Claim, claim
from shared.http.multipart import SILENCE_SECONDS, UploadStalled
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import BadQuery, QueryTooSlow

router = APIRouter(prefix="/imports", tags=["imports"])
export_router = APIRouter(prefix="/devices/export", tags=["devices"])

Imports = Annotated[ImportService, use(ImportService)]
Reader = Annotated[Principal, requires("devices:read")]
Writer = Annotated[Principal, requires("devices:write")]
ImportId = Annotated[int, Path(ge=1, lt=2**63), raises(ImportNotFound)]

_MEDIA_TYPES = {
    "text/csv": FileFormat.CSV,
    "application/x-ndjson": FileFormat.NDJSON,
    "application/ndjson": FileFormat.NDJSON,
    "application/jsonl": FileFormat.NDJSON,
}
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES = {"content": {"text/csv": _FILE, "application/x-ndjson": _FILE}}


@raises(UnknownFormat)
def _format(request: Request) -> FileFormat:
    """Raises UnknownFormat."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise UnknownFormat
    return _MEDIA_TYPES[media_type]


@contextmanager
def _spool() -> Generator[IO[bytes]]:
    """A file on the disk that is gone with the block. Raises StorageFull, also when what is left of it is written."""
    try:
        with TemporaryFile() as file:
            yield file
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull from error
        raise


async def _receive(request: Request, file: IO[bytes]) -> str:
    """Puts the whole body into `file`, to be read from its beginning, and returns its SHA-256 in hex.

    Raises UploadStalled, UploadCutShort.
    """
    pieces, digest = request.stream(), sha256()
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                piece = await anext(pieces, b"")
        except TimeoutError:
            raise UploadStalled from None
        except ClientDisconnect:
            raise UploadCutShort from None
        if not piece:
            break
        digest.update(piece)
        await asyncio.to_thread(file.write, piece)
    file.seek(0)
    return digest.hexdigest()


@router.post("", status_code=202, openapi_extra={"requestBody": {"required": True, **_FILES}})
@raises(UnreadableFile, TooManyRows, TooManyImports, UploadStalled, UploadCutShort, StorageFull)
async def create(
    request: Request,
    who: Writer,
    imports: Imports,
    key: Annotated[Claim, Depends(claim)],
    file_format: Annotated[FileFormat, Depends(_format)],
    policy: Policy = Policy.UPDATE,
    filename: Annotated[str | None, Query(max_length=255, pattern=r"^[^\x00-\x1f]*$")] = None,
) -> ImportRead:
    """Takes a file of devices as the body and begins to import it; a device is known by its uid.

    One that is not there is registered, one that is the same is left alone, and one that differs is updated or, with
    `policy=skip`, left as it is. Importing a file again changes nothing.
    """
    with _spool() as file:
        answer = await key.take(await _receive(request, file))
        order = ImportOrder(file_format, policy, filename)
        return await answer.keep(await imports.create(who.organization_id, file, order, by=Actor.of(who)))


@router.get("")
async def page(
    who: Reader, imports: Imports, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[ImportRead]:
    """The organization's imports of the last 30 days, newest first."""
    found = await imports.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/{import_id}")
async def get(import_id: ImportId, who: Reader, imports: Imports) -> ImportRead:
    """An import and how far it is."""
    return await imports.get(who.organization_id, import_id)


@router.get("/{import_id}/errors")
async def errors(
    import_id: ImportId,
    who: Reader,
    imports: Imports,
    request: Request,
    response: Response,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[ImportErrorRead]:
    """The rows that were refused, by the line of the file."""
    found = await imports.refused(who.organization_id, import_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.post("/{import_id}/cancel")
@raises(ImportIsOver)
async def cancel(import_id: ImportId, who: Writer, imports: Imports) -> ImportRead:
    """Ends the import where it is; what is done stays done."""
    return await imports.cancel(who.organization_id, import_id)


@export_router.get("", response_class=StreamingResponse, responses={200: _FILES})
@raises(BadQuery, QueryTooSlow, GroupNotFound)
async def export(
    who: Reader,
    exports: Annotated[ExportService, use(ExportService)],
    file_format: Annotated[FileFormat, Query(alias="format")] = FileFormat.CSV,
    rql: str | None = None,
    group: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> StreamingResponse:
    """The organization's devices as a file, as long as it takes; an import reads it back."""
    pieces = exports.pages(who.organization_id, DeviceFilter(rql=rql, group_id=group), file_format)
    first = await anext(pieces)

    async def all_pieces() -> AsyncIterator[str]:
        yield first
        async for piece in pieces:
            yield piece

    media_type = "text/csv" if file_format is FileFormat.CSV else "application/x-ndjson"
    headers = {"Content-Disposition": f'attachment; filename="devices.{file_format}"'}
    return StreamingResponse(all_pieces(), media_type=f"{media_type}; charset=utf-8", headers=headers)
