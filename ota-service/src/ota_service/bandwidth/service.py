"""Use cases of bandwidth: limiting a site, and sending no faster than its limit."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from ota_service.bandwidth.errors import SiteBusy, SiteNotFound
from ota_service.bandwidth.schemas import BandwidthEdit, BandwidthRead
from ota_service.bandwidth.store import BandwidthStore
from ota_service.fleet.schemas import Selection
from ota_service.fleet.service import SelectionService
from shared.http.pagination import Page, decode_cursor, page_of

_MOST_SECONDS = 20.0
"""How long a download may wait for the line. Clients and gateways give up on one that is silent for a minute."""

Stores = Callable[[], AbstractAsyncContextManager[BandwidthStore]]
"""A store in a unit of work of its own."""


class BandwidthService:
    def __init__(self, store: BandwidthStore, devices: SelectionService) -> None:
        self._store = store
        self._devices = devices

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[BandwidthRead]:
        """In the order of the sites' ids. Raises BadCursor."""
        after = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.all(organization_id, after=after, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda bandwidth: (bandwidth.site_id,))
        items = [BandwidthRead.model_validate(bandwidth, from_attributes=True) for bandwidth in kept]
        return Page(items=items, next=following)

    async def limit(self, organization_id: int, site_id: int, body: BandwidthEdit, by: str) -> BandwidthRead:
        """Holds for what is sent from now on. Raises SiteNotFound."""
        await self._find(organization_id, site_id)
        changed = await self._store.put(organization_id, site_id, body.bytes_per_second, by)
        return BandwidthRead.model_validate(changed, from_attributes=True)

    async def unlimit(self, organization_id: int, site_id: int) -> None:
        """A site without a limit stays so. Raises SiteNotFound."""
        await self._find(organization_id, site_id)
        await self._store.remove(organization_id, site_id)

    async def _find(self, organization_id: int, site_id: int) -> None:
        if not await self._devices.count(organization_id, Selection(site_id=site_id), limit=1):
            raise SiteNotFound


class Line:
    """What the downloads of a site share. It outlives the unit of work of the request that it serves."""

    def __init__(self, stores: Stores, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._stores = stores
        self._sleep = sleep

    async def paced(
        self, organization_id: int, site_id: int | None, chunks: AsyncGenerator[bytes]
    ) -> AsyncGenerator[bytes]:
        """The same chunks, no faster than the site's limit; a download that begins when there is none is not held.

        Raises SiteBusy.
        """
        if site_id is None:
            return chunks
        async with self._stores() as store:
            backlog = await store.backlog(organization_id, site_id)
        if backlog is None:
            return chunks
        if backlog > _MOST_SECONDS:
            await chunks.aclose()
            raise SiteBusy(backlog)
        return self._slowly(organization_id, site_id, chunks)

    async def _slowly(self, organization_id: int, site_id: int, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        credit = 0
        async for chunk in chunks:
            if credit < len(chunk):
                async with self._stores() as store:
                    reserved = await store.reserve(organization_id, site_id, len(chunk))
                if reserved is not None:
                    await self._sleep(reserved.seconds)
                    credit += reserved.bytes
            credit = max(0, credit - len(chunk))
            yield chunk
