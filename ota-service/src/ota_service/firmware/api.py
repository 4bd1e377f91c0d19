"""Firmware over REST."""

from collections.abc import AsyncGenerator
from hashlib import sha256
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import TypeAdapter

from ota_service.bandwidth.errors import SiteBusy
from ota_service.firmware.errors import (
    ApprovalNotCounted,
    BlobDamaged,
    BlobStoreAway,
    DigestMismatch,
    FirmwareEmpty,
    FirmwareNotFound,
    FirmwareVersionTaken,
    FirmwareWithdrawn,
    RangeNotSatisfiable,
    StorageFull,
)
from ota_service.firmware.schemas import (
    IMAGE_ANSWERS,
    Digest,
    FirmwareDetail,
    FirmwareRead,
    FirmwareUpload,
    Label,
    PolicyEdit,
    PolicyRead,
    PublicKeys,
    Wanted,
    Withdrawal,
)
from ota_service.firmware.service import FirmwareService
from shared.http.declared import raises
from shared.http.idempotency import Claim, Once, claim
from shared.http.multipart import BadForm, NotMultipart, UploadForm, UploadStalled
from shared.http.pagination import Cursor, Limit, Page, link_next
from shared.http.preconditions import IfMatch, tagged
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.manifests import ManifestSigner

router = APIRouter(prefix="/firmware", tags=["firmware"])

Firmware = Annotated[FirmwareService, use(FirmwareService)]
Reader = Annotated[Principal, requires("updates:read")]
Writer = Annotated[Principal, requires("updates:write")]
Approver = Annotated[Principal, requires("updates:approve")]
Administrator = Annotated[Principal, requires("organization:admin")]
Id = Annotated[int, Path(ge=1, lt=2**63), raises(FirmwareNotFound)]

_LABEL = TypeAdapter(Label).json_schema()
_DIGEST = TypeAdapter(Digest).json_schema()
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "name", "version"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "name": _LABEL,
                        "version": _LABEL,
                        "hardware_versions": {"type": "array", "items": _LABEL},
                        "sha256": {**_DIGEST, "description": "Refuses a file that has another one"},
                    },
                }
            }
        },
    }
}


class _Incoming:
    """An upload, and its key, which is claimed when all of it was read and before it is kept."""

    def __init__(self, form: UploadForm[FirmwareUpload], key: Claim) -> None:
        self._form = form
        self._key = key
        self.answer: Once | None = None

    async def file(self) -> AsyncGenerator[bytes]:
        digest = sha256()
        async for piece in self._form.file():
            if self._key.is_keyed:
                digest.update(piece)
            yield piece
        digest.update(self._form.described().model_dump_json().encode())
        self.answer = await self._key.take(digest.hexdigest())

    def described(self) -> FirmwareUpload:
        return self._form.described()


@router.post(
    "",
    status_code=201,
    responses={200: {"model": FirmwareRead, "description": "It was there already"}},
    openapi_extra=_UPLOAD,
)
@raises(NotMultipart, BadForm, UploadStalled, FirmwareVersionTaken, DigestMismatch, FirmwareEmpty, StorageFull)
async def upload(
    request: Request, response: Response, who: Writer, firmware: Firmware, key: Annotated[Claim, Depends(claim)]
) -> FirmwareRead:
    """Takes an image in; it may be installed once it is approved. The same upload again answers 200."""
    incoming = _Incoming(UploadForm(request, FirmwareUpload), key)
    uploaded, is_new = await firmware.upload(who.organization_id, who.subject, incoming)
    response.status_code = 201 if is_new else 200
    return await incoming.answer.keep(uploaded, status=response.status_code) if incoming.answer else uploaded


@router.get("")
async def page(
    who: Reader, firmware: Firmware, request: Request, response: Response, limit: Limit = 50, cursor: Cursor = None
) -> Page[FirmwareRead]:
    """The organization's firmware, oldest first."""
    found = await firmware.page(who.organization_id, cursor=cursor, limit=limit)
    link_next(request, response, found.next)
    return found


@router.get("/keys")
async def keys(response: Response, signer: Annotated[ManifestSigner, use(ManifestSigner)]) -> PublicKeys:
    """The public keys with which devices check manifests. Public: no token is needed."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return PublicKeys(keys=signer.public_keys())


@router.get("/policy")
async def policy(who: Reader, firmware: Firmware, response: Response) -> PolicyRead:
    """What the organization asks of firmware before it may be installed."""
    return tagged(response, await firmware.policy(who.organization_id))


@router.put("/policy")
async def set_policy(
    body: PolicyEdit, who: Administrator, firmware: Firmware, expected: IfMatch, response: Response
) -> PolicyRead:
    """Holds for what is approved from now on; what is approved already stays so."""
    return tagged(response, await firmware.set_policy(who.organization_id, body, who.subject, expected))


@router.get("/{firmware_id}")
async def get(firmware_id: Id, who: Reader, firmware: Firmware) -> FirmwareDetail:
    """One firmware, and who has approved it."""
    return await firmware.get(who.organization_id, firmware_id)


@router.post("/{firmware_id}/approve")
@raises(FirmwareWithdrawn, ApprovalNotCounted)
async def approve(firmware_id: Id, who: Approver, firmware: Firmware) -> FirmwareDetail:
    """Lets it be installed, once as many have approved as the policy asks for; approving again changes nothing."""
    return await firmware.approve(who.organization_id, firmware_id, who.subject, is_person=not who.is_key)


@router.post("/{firmware_id}/withdraw")
async def withdraw(firmware_id: Id, body: Withdrawal, who: Approver, firmware: Firmware) -> FirmwareDetail:
    """No update with it is opened any more; those under way go on unless they are cancelled. It is for good."""
    return await firmware.withdraw(who.organization_id, firmware_id, who.subject, body)


@router.head("/{firmware_id}/file", include_in_schema=False)
@router.get("/{firmware_id}/file", response_class=StreamingResponse, responses=IMAGE_ANSWERS)
@raises(RangeNotSatisfiable, BlobDamaged, BlobStoreAway, SiteBusy)
async def download(firmware_id: Id, request: Request, who: Reader, firmware: Firmware) -> StreamingResponse:
    """The image, or a range of it. Its ETag is its SHA-256."""
    found = await firmware.find(who.organization_id, firmware_id)
    answer = await firmware.download(found, Wanted.of(request.method, request.headers))
    return StreamingResponse(answer.chunks, answer.status, answer.headers)
