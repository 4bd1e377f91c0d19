"""Every query about rollouts: a collection a kind, a document each, its newest state inside it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from monitoring.rollouts.models import Rollout, RolloutItem
from shared.contracts.live import BatchItem, ConfigurationJobItem, ReleaseItem
from shared.mongo.client import Database, Document
from shared.mongo.errors import store_errors
from shared.mongo.lookup import by_ids
from shared.mongo.newest import State, put_newest

_SHOWN = 200

T = TypeVar("T", ReleaseItem, BatchItem, ConfigurationJobItem)


class RolloutStore:
    def __init__(self, database: Database) -> None:
        self._collections = {
            ReleaseItem: database["releases"],
            BatchItem: database["batches"],
            ConfigurationJobItem: database["configuration_jobs"],
        }

    async def prepare(self) -> None:
        """Makes the indexes that find an organization's. Raises StoreAway."""
        for collection in self._collections.values():
            with store_errors():
                await collection.create_index("organization_id", name="organization")

    async def put_newer(self, rollouts: Sequence[Rollout]) -> None:
        """Takes over each that is newer than the one kept. Raises StoreAway."""
        states: dict[type[RolloutItem], list[State]] = defaultdict(list)
        for rollout in rollouts:
            members = msgspec.to_builtins(rollout.item)
            states[type(rollout.item)].append(State(_key(rollout.item), rollout.organization_id, members))
        for kind, of_kind in states.items():
            await put_newest(self._collections[kind], of_kind)

    async def find_all(self, items: Iterable[RolloutItem]) -> list[Rollout]:
        """The newest state of each of these, once."""
        keys: dict[type[RolloutItem], set[Any]] = defaultdict(set)
        for item in items:
            keys[type(item)].add(_key(item))
        return [
            Rollout(document["organization_id"], msgspec.convert(document["newest"], kind))
            for kind, of_kind in keys.items()
            for document in await by_ids(self._collections[kind], list(of_kind))
        ]

    async def recent(self, kind: type[T], organization_id: int, *, since: int) -> list[T]:
        """The organization's that are open or ended since then, those that changed last first. Raises StoreAway."""
        query: Document = {
            "organization_id": organization_id,
            "$or": [{"newest.ended_at": None}, {"newest.ended_at": {"$gte": since}}],
        }
        with store_errors():
            found = self._collections[kind].find(query).sort("newest.updated_at", -1).limit(_SHOWN)
            return [msgspec.convert(document["newest"], kind) for document in await found.to_list(_SHOWN)]

    async def drop(self, *, ended_before: int) -> None:
        for collection in self._collections.values():
            with store_errors():
                await collection.delete_many({"newest.ended_at": {"$lt": ended_before}})


def _key(item: RolloutItem) -> int | str:
    match item:
        case ReleaseItem():
            return item.release_id
        case BatchItem():
            return item.batch_id
        case ConfigurationJobItem():
            return item.job_id
