"""The platform's REST interface, typed. A program may use it by itself: it prints nothing and reads no settings."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import IO, Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from muster_cli import problems
from muster_cli.errors import Refused
from muster_cli.models import (
    Action,
    ActionPage,
    ApiKey,
    Bandwidth,
    BandwidthPage,
    Batch,
    BatchDevice,
    BatchDevicePage,
    BatchPage,
    BatchPreview,
    Device,
    DevicePage,
    DeviceToken,
    Firmware,
    FirmwarePage,
    FirmwarePolicy,
    Import,
    Me,
    NewDevice,
    PublicKeys,
    RefusedRow,
    RefusedRowPage,
    Release,
    ReleaseDryRun,
    ReleaseNode,
    ReleasePage,
    Resync,
    SearchResult,
    StatusChange,
    UpdatePage,
    UpdateSession,
)
from muster_cli.sign_in import SignIn
from muster_cli.updater.offers import PublicKey

M = TypeVar("M", bound=BaseModel)
P = TypeVar(
    "P",
    ActionPage,
    BandwidthPage,
    BatchDevicePage,
    BatchPage,
    DevicePage,
    FirmwarePage,
    RefusedRowPage,
    ReleasePage,
    UpdatePage,
)

_MAX_CONNECTIONS = 32
_TIMEOUT_S = 15.0
_UPLOAD_TIMEOUT_S = 300.0
_BATCH_TIMEOUT_S = 60.0
_PAGE = 500
_PIECE = 65_536
_BATCHES = "/api/v2/updates/batches"
_BANDWIDTH = "/api/v2/firmware/bandwidth"


class MusterClient:
    """Calls of one signed-in person. Every method raises Refused, or Unreachable when trying later may help."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, sign_in: SignIn) -> AsyncGenerator["MusterClient"]:
        """A client for `server`, the gateway's origin. It signs in with the first call."""
        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
        async with httpx.AsyncClient(base_url=server, auth=sign_in, timeout=_TIMEOUT_S, limits=limits) as http:
            yield cls(http)

    async def me(self) -> Me:
        return await self._call(Me, "GET", "/api/v2/auth/me")

    async def issue_api_key(self, name: str, scopes: Sequence[str], *, days: int) -> ApiKey:
        body = {"name": name, "scopes": list(scopes), "expires_in_days": days}
        return await self._call(ApiKey, "POST", "/api/v2/api-keys", json=body)

    async def revoke_api_key(self, key_id: str) -> None:
        await self._send("DELETE", f"/api/v2/api-keys/{quote(key_id, safe='')}")

    async def devices(self, *, limit: int | None = None) -> AsyncIterator[Device]:
        """The organization's devices, oldest first, read page by page; at most `limit` of them."""
        async for page in self._pages(DevicePage, "/api/v2/devices", {}, limit):
            for device in page.items:
                yield device

    async def device(self, id_or_uid: str) -> Device:
        return await self._call(Device, "GET", f"/api/v2/devices/{quote(id_or_uid, safe='')}")

    async def register(self, device: NewDevice) -> Device:
        return await self._call(Device, "POST", "/api/v2/devices", json=device.model_dump(exclude_unset=True))

    async def set_status(self, id_or_uid: str, status: str) -> StatusChange:
        """What it shows, or with a word of its life where that moves to."""
        path = f"/api/v2/devices/{quote(id_or_uid, safe='')}/status"
        return await self._call(StatusChange, "PUT", path, json={"status": status})

    async def firmware(self, *, limit: int | None = None) -> AsyncIterator[Firmware]:
        """The organization's firmware, oldest first; at most `limit`."""
        async for page in self._pages(FirmwarePage, "/api/v2/firmware", {}, limit):
            for firmware in page.items:
                yield firmware

    async def find_firmware(self, reference: str) -> Firmware:
        """By its id, or by NAME@VERSION."""
        if reference.isdecimal():
            return await self._call(Firmware, "GET", f"/api/v2/firmware/{reference}")
        async for firmware in self.firmware():
            if f"{firmware.name}@{firmware.version}" == reference:
                return firmware
        raise Refused(404, "firmware_not_found", f"there is no firmware {reference}", problems.FIND_FIRMWARE)

    async def upload_firmware(
        self, image: IO[bytes], *, filename: str, name: str, version: str, hardware_versions: Sequence[str], sha256: str
    ) -> Firmware:
        """Streams the image, which must be at its start; what arrives with another digest is refused."""
        return await self._call(
            Firmware,
            "POST",
            "/api/v2/firmware",
            files={"file": (filename, image, "application/octet-stream")},
            data={"name": name, "version": version, "hardware_versions": list(hardware_versions), "sha256": sha256},
            timeout=_UPLOAD_TIMEOUT_S,
        )

    async def approve_firmware(self, firmware_id: int) -> Firmware:
        return await self._call(Firmware, "POST", f"/api/v2/firmware/{firmware_id}/approve")

    async def withdraw_firmware(self, firmware_id: int, reason: str) -> Firmware:
        return await self._call(Firmware, "POST", f"/api/v2/firmware/{firmware_id}/withdraw", json={"reason": reason})

    async def firmware_policy(self) -> FirmwarePolicy:
        return await self._call(FirmwarePolicy, "GET", "/api/v2/firmware/policy")

    async def set_firmware_policy(self, approvals: int) -> FirmwarePolicy:
        return await self._call(FirmwarePolicy, "PUT", "/api/v2/firmware/policy", json={"approvals": approvals})

    async def bandwidths(self) -> AsyncIterator[Bandwidth]:
        """The limits of sites, by the site's id."""
        async for page in self._pages(BandwidthPage, _BANDWIDTH, {}, None):
            for bandwidth in page.items:
                yield bandwidth

    async def limit_bandwidth(self, site_id: int, bytes_per_second: int) -> Bandwidth:
        body = {"bytes_per_second": bytes_per_second}
        return await self._call(Bandwidth, "PUT", f"{_BANDWIDTH}/{site_id}", json=body)

    async def unlimit_bandwidth(self, site_id: int) -> None:
        await self._send("DELETE", f"{_BANDWIDTH}/{site_id}")

    async def start_update(self, device_uid: str, firmware_id: int, **terms: Any) -> UpdateSession:
        """`terms` are further members of the request, e.g. `soak_s`."""
        body = {"device_uid": device_uid, "firmware_id": firmware_id, **terms}
        return await self._call(UpdateSession, "POST", "/api/v2/updates", json=body)

    async def updates(
        self, *, device_uid: str | None = None, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[UpdateSession]:
        """The organization's updates, newest first; at most `limit`."""
        wanted = {"device_uid": device_uid, "state": state}
        params = {key: value for key, value in wanted.items() if value is not None}
        async for page in self._pages(UpdatePage, "/api/v2/updates", params, limit):
            for session in page.items:
                yield session

    async def update(self, session_id: str) -> UpdateSession:
        """With its history."""
        return await self._call(UpdateSession, "GET", f"/api/v2/updates/{quote(session_id, safe='')}")

    async def cancel_update(self, session_id: str) -> UpdateSession:
        return await self._call(UpdateSession, "POST", f"/api/v2/updates/{quote(session_id, safe='')}/cancel")

    async def create_batch(self, body: Mapping[str, Any]) -> Batch:
        return await self._call(Batch, "POST", _BATCHES, json=body, timeout=_BATCH_TIMEOUT_S)

    async def preview_batch(self, body: Mapping[str, Any]) -> BatchPreview:
        """What it would come to; nothing is written."""
        return await self._call(
            BatchPreview, "POST", _BATCHES, params={"dry_run": "true"}, json=body, timeout=_BATCH_TIMEOUT_S
        )

    async def batches(self, *, state: str | None = None, limit: int | None = None) -> AsyncIterator[Batch]:
        """The organization's batches, newest first; at most `limit`."""
        params = {} if state is None else {"state": state}
        async for page in self._pages(BatchPage, _BATCHES, params, limit):
            for batch in page.items:
                yield batch

    async def batch(self, batch_id: int) -> Batch:
        return await self._call(Batch, "GET", f"{_BATCHES}/{batch_id}", params={"limit": "1"})

    async def batch_devices(
        self, batch_id: int, *, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[BatchDevice]:
        """By uid; at most `limit`."""
        params = {} if state is None else {"state": state}
        async for page in self._pages(BatchDevicePage, f"{_BATCHES}/{batch_id}/devices", params, limit):
            for device in page.items:
                yield device

    async def change_batch(self, batch_id: int, verb: str) -> Batch:
        """`verb` is start, cancel, retry or rollback; the last answers the batch that takes this one back."""
        return await self._call(Batch, "POST", f"{_BATCHES}/{batch_id}/{verb}")

    async def create_release(self, document: Any) -> Release:
        return await self._call(Release, "POST", "/api/v2/releases", json=document)

    async def dry_run_release(self, document: Any) -> ReleaseDryRun:
        return await self._call(ReleaseDryRun, "POST", "/api/v2/releases?dry_run=true", json=document)

    async def releases(self, *, state: str | None = None, limit: int | None = None) -> AsyncIterator[Release]:
        """The organization's releases, newest first; at most `limit`."""
        params = {} if state is None else {"state": state}
        async for page in self._pages(ReleasePage, "/api/v2/releases", params, limit):
            for release in page.items:
                yield release

    async def release(self, name: str) -> Release:
        return await self._call(Release, "GET", f"/api/v2/releases/{quote(name, safe='')}")

    async def release_hierarchy(self, name: str) -> ReleaseNode:
        return await self._call(ReleaseNode, "GET", f"/api/v2/releases/{quote(name, safe='')}/hierarchy")

    async def ask_release(self, name: str, verb: str, body: Any = None) -> Release:
        return await self._call(Release, "POST", f"/api/v2/releases/{quote(name, safe='')}/{verb}", json=body)

    async def run_action(self, device_uid: str, kind: str, params: Mapping[str, Any], *, deadline_s: int) -> Action:
        body = {"device_uid": device_uid, "type": kind, "params": params, "deadline_s": deadline_s}
        return await self._call(Action, "POST", "/api/v2/actions", json=body)

    async def actions(
        self, *, device_uid: str | None = None, state: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Action]:
        """The organization's actions, newest first; at most `limit`."""
        wanted = {"device_uid": device_uid, "state": state}
        params = {key: value for key, value in wanted.items() if value is not None}
        async for page in self._pages(ActionPage, "/api/v2/actions", params, limit):
            for action in page.items:
                yield action

    async def action(self, action_id: int) -> Action:
        """With its attempts."""
        return await self._call(Action, "GET", f"/api/v2/actions/{action_id}")

    async def cancel_action(self, action_id: int) -> Action:
        return await self._call(Action, "POST", f"/api/v2/actions/{action_id}/cancel")

    async def manifest_keys(self) -> list[PublicKey]:
        """The public keys with which update manifests are signed."""
        return (await self._call(PublicKeys, "GET", "/api/v2/firmware/keys")).keys

    async def issue_token(self, id_or_uid: str) -> DeviceToken:
        """A new token; those issued before stay good."""
        return await self._call(DeviceToken, "POST", f"/api/v2/devices/{quote(id_or_uid, safe='')}/token")

    async def begin_resync(self, *, everyone: bool) -> Resync:
        """Has every device's present state told again: the organization's, or everybody's."""
        return await self._call(Resync, "POST", "/api/v2/devices/resync", json={"all": everyone})

    async def resync(self, resync_id: int) -> Resync:
        return await self._call(Resync, "GET", f"/api/v2/devices/resync/{resync_id}")

    async def search(self, rql: str, *, sample: int) -> SearchResult:
        """A dry run of a query in Eclipse Ditto's RQL."""
        return await self._call(SearchResult, "POST", "/api/v2/devices/search", json={"rql": rql, "sample": sample})

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

    async def refused_rows(self, import_id: int, *, limit: int | None = None) -> AsyncIterator[RefusedRow]:
        """In the order of the file; at most `limit`."""
        async for page in self._pages(RefusedRowPage, f"/api/v2/imports/{import_id}/errors", {}, limit):
            for row in page.items:
                yield row

    async def export(self, *, file_format: str, rql: str | None) -> AsyncIterator[bytes]:
        """The organization's devices as a file, piece by piece."""
        params = {"format": file_format, **({"rql": rql} if rql else {})}
        try:
            async with self._http.stream("GET", "/api/v2/devices/export", params=params) as response:
                if not response.is_success:
                    await response.aread()
                    raise problems.from_response(response)
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise problems.from_transport(error, str(self._http.base_url).rstrip("/")) from error

    async def _pages(
        self, answer: type[P], path: str, params: Mapping[str, str], limit: int | None
    ) -> AsyncIterator[P]:
        """At most `limit` items in all."""
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            asked = {**params, "limit": str(min(left or _PAGE, _PAGE)), **({"cursor": cursor} if cursor else {})}
            page = await self._call(answer, "GET", path, params=asked)
            yield page
            left = None if left is None else left - len(page.items)
            cursor = page.next
            if cursor is None:
                return

    async def _call(self, answer: type[M], method: str, path: str, **request: Any) -> M:
        response = await self._send(method, path, **request)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise Refused(
                response.status_code, "unexpected_answer", f"{path} did not answer as Muster does", "check --server"
            ) from None

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise problems.from_transport(error, str(self._http.base_url).rstrip("/")) from error
        if not response.is_success:
            raise problems.from_response(response)
        return response
