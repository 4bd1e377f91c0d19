"""Firmware, who must approve it, the keys that sign it, and how fast it goes to a site."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import IO

from pydantic import BaseModel

from muster_cli import problems
from muster_cli.client.rest import Rest
from muster_cli.errors import Refused
from muster_cli.updater.offers import PublicKey

_UPLOAD_TIMEOUT_S = 300.0
_BANDWIDTH = "/api/v2/firmware/bandwidth"


class Approval(BaseModel):
    by: str
    at: datetime


class Firmware(BaseModel):
    """An image. Without `hardware_versions` it fits every device; `sha256` in hex, `size` in bytes."""

    id: int
    name: str
    version: str
    filename: str
    hardware_versions: list[str] = []
    size: int
    sha256: str
    release_counter: int
    state: str
    uploaded_by: str
    uploaded_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None
    withdrawn_because: str | None = None
    approvals: list[Approval] = []
    approvals_needed: int | None = None
    """With `approvals` only where one firmware is read."""


class FirmwarePolicy(BaseModel):
    """How many people must approve a firmware before it may be installed."""

    approvals: int
    version: int


class Bandwidth(BaseModel):
    """What the downloads of a site's devices may take together."""

    site_id: int
    bytes_per_second: int
    changed_by: str
    changed_at: datetime


class PublicKeys(BaseModel):
    """A JSON Web Key Set."""

    keys: list[PublicKey]


class FirmwareClient(Rest):
    def firmware(self, *, limit: int | None = None) -> AsyncIterator[Firmware]:
        """The organization's firmware, oldest first; at most `limit`."""
        return self._items(Firmware, "/api/v2/firmware", {}, limit=limit)

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

    async def manifest_keys(self) -> list[PublicKey]:
        """The public keys with which update manifests are signed."""
        return (await self._call(PublicKeys, "GET", "/api/v2/firmware/keys")).keys

    def bandwidths(self) -> AsyncIterator[Bandwidth]:
        """The limits of sites, by the site's id."""
        return self._items(Bandwidth, _BANDWIDTH, {}, limit=None)

    async def limit_bandwidth(self, site_id: int, bytes_per_second: int) -> Bandwidth:
        body = {"bytes_per_second": bytes_per_second}
        return await self._call(Bandwidth, "PUT", f"{_BANDWIDTH}/{site_id}", json=body)

    async def unlimit_bandwidth(self, site_id: int) -> None:
        await self._send("DELETE", f"{_BANDWIDTH}/{site_id}")
