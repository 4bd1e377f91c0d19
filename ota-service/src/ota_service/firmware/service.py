"""Use cases of firmware: upload, approve, withdraw, read, download, and the removal of what no row names."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import timedelta
from email.utils import format_datetime
from typing import Protocol

from ota_service.bandwidth.service import Line
from ota_service.firmware.errors import (
    ApprovalNotCounted,
    DigestMismatch,
    FirmwareEmpty,
    FirmwareNotApproved,
    FirmwareNotFound,
    FirmwareVersionTaken,
    FirmwareWithdrawn,
)
from ota_service.firmware.gateway import Blobs
from ota_service.firmware.models import Firmware, FirmwarePolicy, Stored
from ota_service.firmware.rules import Part, enough, is_known, not_counted, part_of
from ota_service.firmware.schemas import (
    ApprovalRead,
    Download,
    FirmwareDetail,
    FirmwareRead,
    FirmwareUpload,
    PolicyEdit,
    PolicyRead,
    Wanted,
    Withdrawal,
)
from ota_service.firmware.states import FirmwareState
from ota_service.firmware.store import FirmwareStore
from shared.clock import Clock
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected, Stale
from shared.ids import Ids

_GRACE = timedelta(days=1)
"""What is in the store for so long belongs to no upload under way."""


class Incoming(Protocol):
    """An upload while it arrives."""

    def file(self) -> AsyncIterator[bytes]:
        """The bytes of the file; whole, or it raises."""
        ...

    def described(self) -> FirmwareUpload:
        """What came beside the file; to be asked once that is read."""
        ...


class FirmwareService:
    def __init__(self, store: FirmwareStore, blobs: Blobs, line: Line, *, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._blobs = blobs
        self._line = line
        self._clock = clock
        self._ids = ids

    async def upload(self, organization_id: int, by: str, incoming: Incoming) -> tuple[FirmwareRead, bool]:
        """Stores the file and registers it, and whether it is new; the same again answers with what is there.

        Raises FirmwareVersionTaken, DigestMismatch, FirmwareEmpty, StorageFull, BlobStoreAway, and what the upload
        itself raises; then nothing is kept.
        """
        stored = await self._blobs.put(f"{organization_id}/{self._ids.new().hex}", incoming.file())
        try:
            firmware = await self._register(organization_id, by, incoming.described(), stored)
        except BaseException:
            await self._blobs.remove(stored.blob)
            raise
        is_new = firmware.blob == stored.blob
        if not is_new:
            await self._blobs.remove(stored.blob)
        return read(firmware), is_new

    async def _register(self, organization_id: int, by: str, upload: FirmwareUpload, stored: Stored) -> Firmware:
        if stored.size == 0:
            raise FirmwareEmpty
        if upload.sha256 not in {None, stored.sha256}:
            raise DigestMismatch(stored.sha256)
        added = await self._store.add(
            Firmware(
                **upload.model_dump(exclude={"sha256"}),
                organization_id=organization_id,
                size=stored.size,
                sha256=stored.sha256,
                sha1=stored.sha1,
                md5=stored.md5,
                pieces=stored.pieces,
                blob=stored.blob,
                uploaded_by=by,
            )
        )
        if added is not None:
            return added
        known = await self._store.find_version(organization_id, upload.name, upload.version)
        if known is None or known.sha256 != stored.sha256:
            raise FirmwareVersionTaken(upload.name, upload.version, different="other content")
        if known.hardware_versions != upload.hardware_versions:
            raise FirmwareVersionTaken(upload.name, upload.version, different="other hardware versions")
        return known

    async def approve(self, organization_id: int, firmware_id: int, by: str, *, is_person: bool) -> FirmwareDetail:
        """Counts an approval, and lets the firmware be installed when it has as many as the policy asks for.

        Approving again changes nothing, unless fewer are asked for by now. Raises FirmwareNotFound, FirmwareWithdrawn,
        ApprovalNotCounted.
        """
        firmware = await self._lock(organization_id, firmware_id)
        if firmware.state == FirmwareState.WITHDRAWN:
            raise FirmwareWithdrawn
        if firmware.state == FirmwareState.UPLOADED:
            needed = (await self.policy(organization_id)).approvals
            objection = not_counted(needed, by=by, uploaded_by=firmware.uploaded_by, is_person=is_person)
            if objection is not None:
                raise ApprovalNotCounted(objection)
            await self._store.add_approval(firmware_id, by)
            given = [approval.by for approval in await self._store.approvals(firmware_id)]
            if enough(needed, given, uploaded_by=firmware.uploaded_by):
                firmware = await self._store.become(firmware, FirmwareState.APPROVED, approved_by=by)
        return await self._detail(firmware)

    async def withdraw(self, organization_id: int, firmware_id: int, by: str, why: Withdrawal) -> FirmwareDetail:
        """Keeps it from being installed, for good; withdrawing again changes nothing. Raises FirmwareNotFound."""
        firmware = await self._lock(organization_id, firmware_id)
        if firmware.state != FirmwareState.WITHDRAWN:
            firmware = await self._store.become(
                firmware, FirmwareState.WITHDRAWN, withdrawn_by=by, withdrawn_because=why.reason
            )
        return await self._detail(firmware)

    async def policy(self, organization_id: int) -> PolicyRead:
        return _policy(await self._store.policy(organization_id))

    async def set_policy(self, organization_id: int, body: PolicyEdit, by: str, expected: Expected) -> PolicyRead:
        """Raises Stale."""
        known = await self.policy(organization_id)
        expected.require(known.version)
        if known.approvals == body.approvals:
            return known
        changed = await self._store.put_policy(organization_id, body.approvals, by, seen=known.version)
        if changed is None:
            raise Stale((await self.policy(organization_id)).version)
        return _policy(changed)

    async def get(self, organization_id: int, firmware_id: int) -> FirmwareDetail:
        """Raises FirmwareNotFound."""
        return await self._detail(await self.find(organization_id, firmware_id))

    async def _detail(self, firmware: Firmware) -> FirmwareDetail:
        assert firmware.id is not None  # noqa: S101 - it comes from the database
        approvals = await self._store.approvals(firmware.id)
        return FirmwareDetail(
            **read(firmware).model_dump(),
            approvals=[ApprovalRead.model_validate(approval, from_attributes=True) for approval in approvals],
            approvals_needed=(await self.policy(firmware.organization_id)).approvals,
        )

    async def _lock(self, organization_id: int, firmware_id: int) -> Firmware:
        firmware = await self._store.lock(organization_id, firmware_id)
        if firmware is None:
            raise FirmwareNotFound
        return firmware

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[FirmwareRead]:
        """In the order of their upload."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(organization_id, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda firmware: (firmware.id,))
        return Page(items=[read(firmware) for firmware in kept], next=following)

    async def find(self, organization_id: int, firmware_id: int) -> Firmware:
        """Raises FirmwareNotFound."""
        firmware = await self._store.find(organization_id, firmware_id)
        if firmware is None:
            raise FirmwareNotFound
        return firmware

    async def installable(self, organization_id: int, firmware_id: int) -> Firmware:
        """One that devices may be given, and that nobody can withdraw until this unit of work has ended.

        Raises FirmwareNotFound, FirmwareNotApproved, FirmwareWithdrawn.
        """
        [firmware] = await self.bundle(organization_id, (firmware_id,))
        return firmware

    async def named(
        self, organization_id: int, *, ids: Collection[int], versions: Collection[tuple[str, str]]
    ) -> Sequence[Firmware]:
        """Those of these ids, and of these names and versions, in whichever state; without their `pieces`."""
        return await self._store.named(organization_id, ids=ids, versions=versions)

    async def names_of(self, organization_id: int, versions: Collection[str]) -> Mapping[str, set[str]]:
        """The names of the organization's firmware that has each of these versions."""
        return await self._store.names_of(organization_id, versions)

    async def bundle(self, organization_id: int, firmware_ids: Sequence[int]) -> list[Firmware]:
        """The same of several, in the order given, without their `pieces`. Raises as `installable`."""
        found = {firmware.id: firmware for firmware in await self._store.lock_all(organization_id, firmware_ids)}
        bundle = [firmware for firmware_id in firmware_ids if (firmware := found.get(firmware_id))]
        if missing := [str(firmware_id) for firmware_id in firmware_ids if firmware_id not in found]:
            raise FirmwareNotFound(f"there is no firmware of id {', '.join(missing)}")
        states = {firmware.state for firmware in bundle}
        if FirmwareState.WITHDRAWN in states:
            raise FirmwareWithdrawn
        if states != {FirmwareState.APPROVED}:
            raise FirmwareNotApproved
        return bundle

    async def of_version(self, organization_id: int, version: str) -> Sequence[Firmware]:
        """Those of this version under any name, in whichever state; without their `pieces`."""
        return await self._store.of_version(organization_id, version)

    async def download(
        self, firmware: Firmware, wanted: Wanted, *, etag: str | None = None, site_id: int | None = None
    ) -> Download:
        """The answer to a GET or HEAD for its file, no faster than the line of the site that it goes to.

        Its entity tag is `etag`, else its SHA-256. Raises RangeNotSatisfiable, BlobDamaged, BlobStoreAway, SiteBusy.
        The bytes may be read after the unit of work has ended; those of a damaged piece break the download off.
        """
        etag = etag or firmware.etag
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-transform"}
        if is_known(etag, wanted.if_none_match):
            return Download(304, headers, _nothing())
        part = part_of(firmware.size, wanted=wanted.part, if_range=wanted.if_range, etag=etag)
        headers |= {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": f'attachment; filename="{firmware.filename}"',
            "Content-Length": str(part.end - part.start),
            "Last-Modified": format_datetime(firmware.uploaded_at, usegmt=True),
        }
        if not part.whole:
            headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{firmware.size}"
        chunks = _nothing()
        if not wanted.head:
            sent = await self.stream(firmware, part)
            chunks = await self._line.paced(firmware.organization_id, site_id, sent)
        return Download(200 if part.whole else 206, headers, chunks)

    async def stream(self, firmware: Firmware, part: Part) -> AsyncGenerator[bytes]:
        """The bytes of a part. The first of them are read and checked before it returns. Raises as `download`."""
        chunks = self._blobs.read(firmware.blob, firmware.pieces, part.start, part.end)
        return _beginning_with(await anext(chunks), chunks)

    async def sweep(self) -> int:
        """Removes what uploads have left behind whose process died before the row; answers how many."""
        before = self._clock.now() - _GRACE
        removed = await self._blobs.remove_unfinished(before)
        for blobs in await self._blobs.older_than(before):
            orphans = set(blobs) - await self._store.known_blobs(blobs)
            await self._blobs.remove(*orphans)
            removed += len(orphans)
        return removed


def _policy(policy: FirmwarePolicy | None) -> PolicyRead:
    """Version 0 before anybody has set one: `If-Match: "0"` means that too."""
    return PolicyRead(approvals=1, version=0) if policy is None else PolicyRead(**policy.model_dump())


def read(firmware: Firmware) -> FirmwareRead:
    return FirmwareRead.model_validate(firmware, from_attributes=True)


async def _nothing() -> AsyncGenerator[bytes]:
    return
    yield b""


async def _beginning_with(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
