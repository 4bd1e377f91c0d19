"""Use cases of snapshots: read how the devices of somebody's selection stand, and what concerns them all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from pydantic import BaseModel

from monitoring.fleet.service import FleetService
from monitoring.snapshots.schemas import Snapshot
from monitoring.snapshots.states import Topic

OfDevices = Callable[[Sequence[str]], Awaitable[Sequence[Any]]]
"""Reads what stands of these devices, which the caller has found to be the organization's."""

OfOrganization = Callable[[int], Awaitable[Sequence[Any]]]

_PAGE = 500
_READ_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class View:
    """Some topics of some devices; with `uids` None of all that the organization has."""

    topics: Collection[Topic]
    uids: Sequence[str] | None


class SnapshotService:
    """`of_devices` and `common` say who reads a topic's items; a topic that nobody reads is empty.

    Many clients that come back at once are read for a few at a time.
    """

    def __init__(
        self, fleet: FleetService, of_devices: Mapping[Topic, OfDevices], common: Mapping[Topic, OfOrganization]
    ) -> None:
        self._fleet = fleet
        self._of_devices = of_devices
        self._common = common
        self._turns = asyncio.Semaphore(_READ_AT_ONCE)

    async def parts(
        self, organization_id: int, views: Sequence[View], common: Collection[Topic]
    ) -> AsyncIterator[dict[str, Any]]:
        """A snapshot for each page of each view's devices, and at least one.

        The first has what concerns the whole organization, of the topics of `common`. Raises StoreAway.
        """
        held = await self._read_common(organization_id, common)
        is_first = True
        for view in views:
            async for uids in self._pages(organization_id, view.uids):
                if not is_first:
                    yield _part(held, last=False)
                    held = {}
                is_first = False
                for topic, items in (await self._read(view.topics, uids)).items():
                    held.setdefault(topic, []).extend(items)
        yield _part(held, last=True)

    async def _pages(self, organization_id: int, uids: Sequence[str] | None) -> AsyncIterator[Sequence[str]]:
        if uids is None:
            async for page in self._fleet.pages(organization_id):
                yield page
        else:
            for start in range(0, len(uids), _PAGE):
                yield uids[start : start + _PAGE]

    async def _read(self, topics: Collection[Topic], uids: Sequence[str]) -> dict[Topic, Sequence[Any]]:
        async with self._turns:
            return {topic: await read(uids) for topic, read in self._of_devices.items() if topic in topics}

    async def _read_common(self, organization_id: int, topics: Collection[Topic]) -> dict[Topic, list[Any]]:
        async with self._turns:
            return {topic: [*await read(organization_id)] for topic, read in self._common.items() if topic in topics}


def _part(held: Mapping[Topic, Sequence[Any]], *, last: bool) -> dict[str, Any]:
    lists: dict[str, Any] = {topic: [_plain(item) for item in items] for topic, items in held.items()}
    return Snapshot(**lists, last=last).model_dump(mode="json")


def _plain(item: Any) -> Any:
    return item if isinstance(item, BaseModel) else msgspec.to_builtins(item)
