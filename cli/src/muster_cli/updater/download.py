"""Takes an image from a stream that may be cut, endless or another file's, and resumes where it can."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable

import httpx

from muster_cli.updater.client import UpdateClient
from muster_cli.updater.errors import UpdateFailed
from muster_cli.updater.offers import Part

_BARREN_ATTEMPTS = 5
"""So many cut downloads in a row that brought nothing new."""

_FROM = re.compile(r"bytes (\d{1,19})-\d{1,19}/(\d{1,19})")

Arrived = Callable[[int], Awaitable[None]]


class Download:
    """One image. Its bytes are counted and hashed as they come and not kept: a simulated device has no use for them."""

    def __init__(self, client: UpdateClient, path: str, part: Part, *, arrived: Arrived) -> None:
        """`arrived` is awaited with the bytes received so far."""
        self._client = client
        self._path = path
        self._part = part
        self._arrived = arrived
        self._etag: str | None = None
        self._restart()

    async def run(self) -> None:
        """Returns when all of it has arrived and is what the manifest says. Raises UpdateFailed and SessionOver."""
        furthest = barren = 0
        while True:
            try:
                async with self._client.image(self._path, start=self._received, etag=self._etag) as response:
                    self._begin(response)
                    await self._take(response)
                break
            except httpx.HTTPError as error:
                barren = barren + 1 if self._received <= furthest else 0
                furthest = max(furthest, self._received)
                if barren == _BARREN_ATTEMPTS:
                    reason = f"cut {barren} times in a row at byte {self._received}: {type(error).__name__}"
                    raise UpdateFailed("download_cut", reason) from error
                await asyncio.sleep(self._client.patience.first_s * barren)
        if self._received != self._part.size:
            raise UpdateFailed("wrong_size", f"the image has {self._received} bytes and not {self._part.size}")
        if self._sha256.hexdigest() != self._part.sha256:
            raise UpdateFailed("wrong_sha256", "the image is not the one that was signed")

    def _begin(self, response: httpx.Response) -> None:
        """Goes on where the last answer was cut if this one does, else begins anew."""
        if response.status_code == 206:
            span = _FROM.fullmatch(response.headers.get("Content-Range", ""))
            if span is not None and int(span[1]) == self._received and int(span[2]) == self._part.size:
                return
        self._restart()
        if response.status_code != 200:
            raise httpx.RemoteProtocolError(f"a range that was not asked for: {response.status_code}")
        etag = response.headers.get("ETag", "")
        self._etag = etag if etag.startswith('"') else None
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) != self._part.size:
            raise UpdateFailed("wrong_size", f"the image has {length} bytes and not {self._part.size}")

    async def _take(self, response: httpx.Response) -> None:
        async for chunk in response.aiter_raw():
            if self._received + len(chunk) > self._part.size:
                raise UpdateFailed("wrong_size", f"the image does not end after {self._part.size} bytes")
            await self._client.link.carried(len(chunk))
            self._sha256.update(chunk)
            self._received += len(chunk)
            await self._arrived(self._received)

    def _restart(self) -> None:
        self._received = 0
        self._sha256 = hashlib.sha256()
        self._etag = None
