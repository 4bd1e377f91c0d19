"""The platform's REST interface, typed. A program may use it by itself: it prints nothing and reads no settings."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from muster_cli import problems
from muster_cli.errors import Refused
from muster_cli.models import Device, DevicePage, DeviceToken, NewDevice, PublicKeys, Resync
from muster_cli.sign_in import PasswordSignIn
from muster_cli.updater.offers import PublicKey

M = TypeVar("M", bound=BaseModel)

_MAX_CONNECTIONS = 32
_TIMEOUT_S = 15.0


class MusterClient:
    """Calls of one signed-in person. Every method raises Refused, or Unreachable when trying later may help."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, *, email: str, password: str) -> AsyncGenerator["MusterClient"]:
        """A client for `server`, the gateway's origin. It signs in with the first call."""
        limits = httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=_MAX_CONNECTIONS)
        sign_in = PasswordSignIn(server, email, password)
        async with httpx.AsyncClient(base_url=server, auth=sign_in, timeout=_TIMEOUT_S, limits=limits) as http:
            yield cls(http)

    async def devices(self, *, limit: int | None = None) -> AsyncIterator[Device]:
        """The organization's devices, oldest first, read page by page; at most `limit` of them."""
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            params = {"limit": str(min(left or 500, 500)), **({"cursor": cursor} if cursor else {})}
            page = await self._call(DevicePage, "GET", "/api/v2/devices", params=params)
            for device in page.items:
                yield device
            left = None if left is None else left - len(page.items)
            cursor = page.next
            if cursor is None:
                return

    async def device(self, id_or_uid: str) -> Device:
        return await self._call(Device, "GET", f"/api/v2/devices/{quote(id_or_uid, safe='')}")

    async def register(self, device: NewDevice) -> Device:
        return await self._call(Device, "POST", "/api/v2/devices", json=device.model_dump(exclude_unset=True))

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

    async def _call(self, answer: type[M], method: str, path: str, **request: Any) -> M:
        try:
            response = await self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise problems.from_transport(error, str(self._http.base_url).rstrip("/")) from error
        if not response.is_success:
            raise problems.from_response(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise Refused(
                response.status_code, "unexpected_answer", f"{path} did not answer as Muster does", "check --server"
            ) from None
