"""Use cases of imports and exports: take a file in, carry it out chunk by chunk, cancel it; stream devices out."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from itertools import islice
from typing import IO, Any, TypeVar

from pydantic import BaseModel, ValidationError

from device_management.audit.schemas import Actor
from device_management.audit.states import ActorKind
from device_management.devices.schemas import DeviceEdit, DeviceFilter, DeviceRead
from device_management.devices.service import DeviceService
from device_management.devices.states import Lifecycle
from device_management.imports.errors import (
    ImportIsOver,
    ImportNotFound,
    TooManyImports,
    TooManyRows,
    UnreadableFile,
)
from device_management.imports.models import Import, ImportRow, Row
from device_management.imports.rules import read_rows, shown, without_nulls, written_csv
from device_management.imports.schemas import ImportErrorRead, ImportOrder, ImportRead
from device_management.imports.states import FileFormat, ImportState, Policy
from device_management.imports.store import ImportStore
from device_management.registration.errors import DeviceUidTaken
from device_management.registration.schemas import DeviceCreate
from device_management.registration.service import RegistrationService
from shared.errors import DomainError
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.scope import Scopes
from shared.sql.unit_of_work import UnitOfWork

CHUNK = 2_000
"""Rows of one transaction."""

BACKLOG = 2_000
"""Events that wait for the relay; with more than these an import waits too, for all other news comes after its own."""

MAX_OPEN = 10
MAX_FAILURES = 8
"""How often in a row a chunk may fail, for a reason that no row of it is told, before the import is given up."""

KEPT = timedelta(days=30)
_EXPORT_PAGE = 500

_BEGINNINGS = tuple(word.value for word in Lifecycle if word is not Lifecycle.RETIRED)

M = TypeVar("M", bound=BaseModel)
Refusal = tuple[str, str]
"""Why a row was refused: a code and a sentence."""


class ChunkFailed(Exception):
    """A chunk could not be carried out; nothing of it was kept."""

    def __init__(self, import_id: int, failures: int, error: Exception) -> None:
        super().__init__(error.detail if isinstance(error, DomainError) else "something went wrong on our side")
        self.import_id = import_id
        self.failures = failures


class ImportService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ImportStore,
        registration: RegistrationService,
        devices: DeviceService,
        *,
        max_rows: int,
    ) -> None:
        self._unit = unit
        self._store = store
        self._registration = registration
        self._devices = devices
        self._max_rows = max_rows

    async def create(self, organization_id: int, file: IO[bytes], order: ImportOrder, *, by: Actor) -> ImportRead:
        """Takes the rows of a file in; a worker carries them out.

        Raises UnreadableFile, TooManyRows, TooManyImports.
        """
        with closing(read_rows(file, order.format)) as rows:
            chunk = await asyncio.to_thread(_next, rows)
            if not chunk:
                raise UnreadableFile("there is no device in the file", line=1)
            if await self._store.count_open(organization_id) >= MAX_OPEN:
                raise TooManyImports(MAX_OPEN)
            job, total = await self._store.add(organization_id, order, by), 0
            while chunk:
                await self._store.add_rows(job, chunk, first=total)
                total += len(chunk)
                if total > self._max_rows:
                    raise TooManyRows(self._max_rows)
                chunk = await asyncio.to_thread(_next, rows)
        await self._store.mark_repeated(job)
        return _read(await self._store.set_total(job, total))

    async def get(self, organization_id: int, import_id: int) -> ImportRead:
        """Raises ImportNotFound."""
        return _read(await self._find(organization_id, import_id))

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[ImportRead]:
        """Newest first. Raises BadCursor."""
        before_id = decode_cursor(cursor, int)[0] if cursor else None
        rows = await self._store.page(organization_id, before_id=before_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda job: (job.id,))
        return Page(items=[_read(job) for job in kept], next=following)

    async def refused(
        self, organization_id: int, import_id: int, *, cursor: str | None, limit: int
    ) -> Page[ImportErrorRead]:
        """The rows refused so far, in the order of the file. Raises ImportNotFound, BadCursor."""
        job = await self._find(organization_id, import_id)
        after = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.refused(job, after=after, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda row: (row.number,))
        return Page(items=[ImportErrorRead.model_validate(row, from_attributes=True) for row in kept], next=following)

    async def cancel(self, organization_id: int, import_id: int) -> ImportRead:
        """What is done stays done, and no further row is. Raises ImportNotFound, ImportIsOver."""
        cancelled = await self._store.cancel(organization_id, import_id)
        if cancelled is None:
            job = await self._find(organization_id, import_id)
            if job.state != ImportState.CANCELLED:
                raise ImportIsOver(job.state)
            return _read(job)
        return _read(cancelled)

    async def step(self) -> bool:
        """Carries out one chunk of an import that no other worker has. False when there is nothing to do just now.

        Raises ChunkFailed.
        """
        if await self._unit.outbox.is_longer_than(BACKLOG):
            return False
        job = await self._store.take()
        if job is None:
            return False
        try:
            await self._advance(job)
        except Exception as error:
            raise ChunkFailed(_id(job), job.failures, error) from error
        return True

    async def note_failure(self, failed: ChunkFailed) -> None:
        """Tries the chunk again later, each time later, and gives up in the end."""
        delay = timedelta(seconds=2**failed.failures)
        await self._store.note_failure(failed.import_id, str(failed), at_most=MAX_FAILURES, delay=delay)

    async def forget_finished(self) -> None:
        await self._store.forget_finished(KEPT)

    async def _advance(self, job: Import) -> None:
        rows = await self._store.rows(job, limit=CHUNK)
        counts, refusals = Counter[str](), dict[int, Refusal]()
        readable: dict[str, tuple[ImportRow, dict[str, Any]]] = {}
        for row in rows:
            if row.document is None:
                counts["refused"] += 1
                continue
            device: dict[str, Any] = json.loads(row.document)
            if row.device_uid is None:
                refusals[row.number] = "unacceptable_uid", "a row needs a device_uid, or importing it twice makes two"
            else:
                readable[row.device_uid] = row, device
        by = Actor(ActorKind(job.actor_kind), job.actor_id, job.actor_name)
        for uid, outcome in (await self._carried_out(job, readable, by=by)).items():
            if isinstance(outcome, str):
                counts[outcome] += 1
            else:
                refusals[readable[uid][0].number] = outcome
        if refusals:
            counts["refused"] += len(refusals)
            await self._store.refuse(job, refusals)
        done_to = rows[-1].number if rows else job.done_to
        await self._store.advance(job, done_to=done_to, counts=counts, over=done_to >= job.total)

    async def _carried_out(
        self, job: Import, rows: Mapping[str, tuple[ImportRow, dict[str, Any]]], *, by: Actor
    ) -> dict[str, str | Refusal]:
        """By uid what became of the row: the name of its count, or why it was refused."""
        outcomes, edits = dict[str, str | Refusal](), dict[str, DeviceEdit]()
        for uid, (_, device) in rows.items():
            given = {name: value for name, value in device.items() if name not in {"device_uid", "lifecycle"}}
            edit = _valid(DeviceEdit, given)
            if isinstance(edit, tuple):
                outcomes[uid] = edit
            else:
                edits[uid] = edit
        outcomes |= await self._edited(job, edits, by=by)
        unknown = {uid: _created(rows[uid][1]) for uid in edits if uid not in outcomes}
        creates = {uid: body for uid, body in unknown.items() if isinstance(body, DeviceCreate)}
        outcomes |= {uid: body for uid, body in unknown.items() if isinstance(body, tuple)}
        results: dict[str, object] = {}
        if creates:
            registered = await self._registration.register_many(job.organization_id, list(creates.values()), by=by)
            results = dict(zip(creates, registered, strict=True))
        outcomes |= {
            uid: _refusal(result) if isinstance(result, DomainError) else "created" for uid, result in results.items()
        }
        # A uid that was free a moment ago may have become a device of the organization's own.
        taken = {uid: edits[uid] for uid, result in results.items() if isinstance(result, DeviceUidTaken)}
        return outcomes | await self._edited(job, taken, by=by)

    async def _edited(self, job: Import, edits: Mapping[str, DeviceEdit], *, by: Actor) -> dict[str, str | Refusal]:
        """Of the devices that are there."""
        dry = job.policy == Policy.SKIP
        differed = await self._devices.edit_many(job.organization_id, edits, by=by, dry=dry) if edits else {}
        changed = "skipped" if dry else "updated"
        return {
            uid: _refusal(result) if isinstance(result, DomainError) else changed if result else "unchanged"
            for uid, result in differed.items()
        }

    async def _find(self, organization_id: int, import_id: int) -> Import:
        job = await self._store.find(organization_id, import_id)
        if job is None:
            raise ImportNotFound
        return job


class ExportService:
    """Devices as a stream, page by page, each in a unit of its own: a slow reader holds nothing."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def pages(self, organization_id: int, only: DeviceFilter, file_format: FileFormat) -> AsyncGenerator[str]:
        """The file in pieces. Raises BadQuery, QueryTooSlow and GroupNotFound, before the first piece."""
        cursor: str | None = None
        first = True
        while first or cursor is not None:
            async with self._scopes() as scope:
                page = await scope.get(DeviceService).page(
                    organization_id, only=only, cursor=cursor, limit=_EXPORT_PAGE
                )
            yield _written(page.items, file_format, header=first)
            first, cursor = False, page.next


def _next(rows: Iterator[Row]) -> list[Row]:
    return list(islice(rows, CHUNK))


def _written(devices: Sequence[DeviceRead], file_format: FileFormat, *, header: bool) -> str:
    if file_format is FileFormat.CSV:
        return written_csv((device.model_dump(mode="json") for device in devices), header=header)
    return "".join(f"{device.model_dump_json()}\n" for device in devices)


def _created(device: Mapping[str, Any]) -> DeviceCreate | Refusal:
    """The row as a new device. Where its life begins is all that a file says of its status."""
    # As a merge patch into nothing, so that the same row again finds the device as it is.
    given = without_nulls(device)
    lifecycle = given.pop("lifecycle", Lifecycle.IN_STOCK)
    if not isinstance(lifecycle, str) or lifecycle.lower() not in _BEGINNINGS:
        return "unacceptable_row", f"lifecycle: must be one of {', '.join(_BEGINNINGS)}, in either case"
    return _valid(DeviceCreate, {**given, "status": lifecycle})


def _valid(kind: type[M], given: Mapping[str, Any]) -> M | Refusal:
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = "/".join(map(str, first["loc"]))
        return "unacceptable_row", shown(f"{place}: {first['msg']}" if place else first["msg"])


def _refusal(error: DomainError) -> Refusal:
    return error.code, shown(error.detail)


def _read(job: Import) -> ImportRead:
    return ImportRead.model_validate({**job.model_dump(), "done": job.done_to})


def _id(job: Import) -> int:
    assert job.id is not None  # noqa: S101 - it comes from the database
    return job.id
