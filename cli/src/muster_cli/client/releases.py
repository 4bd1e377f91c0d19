"""Releases: firmware for a fleet in waves."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from muster_cli.client.rest import Rest


class ReleaseProgress(BaseModel):
    """How many devices of a release, or of a part of it, are how far."""

    devices: int
    waiting: int
    in_progress: int
    succeeded: int
    failed: int
    skipped: int
    cancelled: int


class ReleaseWave(BaseModel):
    id: str
    name: str
    state: str
    progress: ReleaseProgress


class Release(BaseModel):
    """Firmware for a fleet in waves. `detail` says why it does not go on."""

    id: str
    slug: str
    name: str
    state: str
    detail: str | None = None
    progress: ReleaseProgress
    waves: list[ReleaseWave]
    created_by: str
    created_at: datetime

    @property
    def is_over(self) -> bool:
        """Whether it goes on no more by itself."""
        return self.state not in {"scheduled", "running", "rolling_back"}


class ReleaseNode(BaseModel):
    """A part of a release, with those below it."""

    id: str
    state: str
    progress: ReleaseProgress
    waves: list["ReleaseNode"] = []
    clusters: list["ReleaseNode"] = []
    bundle: "ReleaseNode | None" = None
    apps: list["ReleaseNode"] = []


class DryCluster(BaseModel):
    id: str
    devices: int


class DryWave(BaseModel):
    id: str
    clusters: list[DryCluster]


class ReleaseDryRun(BaseModel):
    """What a release would come to; `obstacles` counts the devices that could not be updated now, by reason."""

    devices: int
    obstacles: dict[str, int]
    waves: list[DryWave]


class ReleaseClient(Rest):
    async def create_release(self, document: Any) -> Release:
        return await self._call(Release, "POST", "/api/v2/releases", json=document)

    async def dry_run_release(self, document: Any) -> ReleaseDryRun:
        return await self._call(ReleaseDryRun, "POST", "/api/v2/releases?dry_run=true", json=document)

    def releases(self, *, state: str | None = None, limit: int | None = None) -> AsyncIterator[Release]:
        """The organization's releases, newest first; at most `limit`."""
        params = {"state": state}
        return self._items(Release, "/api/v2/releases", params, limit=limit)

    async def release(self, name: str) -> Release:
        return await self._call(Release, "GET", f"/api/v2/releases/{quote(name, safe='')}")

    async def release_hierarchy(self, name: str) -> ReleaseNode:
        return await self._call(ReleaseNode, "GET", f"/api/v2/releases/{quote(name, safe='')}/hierarchy")

    async def ask_release(self, name: str, verb: str, body: Any = None) -> Release:
        return await self._call(Release, "POST", f"/api/v2/releases/{quote(name, safe='')}/{verb}", json=body)
