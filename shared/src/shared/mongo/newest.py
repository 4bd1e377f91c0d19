"""Copies of what others own: of each aggregate its newest state, whatever the order and the repetition of its events.

A document is `{"_id", "organization_id", ..., "newest": {"version": 7, ...}}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import UpdateOne

from shared.mongo.bulk import put_all
from shared.mongo.client import Document


@dataclass(frozen=True, slots=True)
class State:
    """A state of the aggregate `key` of one organization; `members` hold its `version`.

    `fixed` is what never changes of it and can be asked for.
    """

    key: Any
    organization_id: int
    members: Mapping[str, Any]
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])


async def put_newest(collection: AsyncIOMotorCollection[Document], states: Sequence[State]) -> None:
    """Takes over each state whose version is greater than the one kept, in one bulk write. Raises StoreAway.

    `$max` compares embedded documents member by member, and the version comes first, so doing it twice, late, or in two
    workers at once changes nothing.
    """
    writes = [
        UpdateOne(
            {"_id": state.key},
            {
                "$max": {"newest": {"version": state.members["version"], **state.members}},
                "$setOnInsert": {"organization_id": state.organization_id, **state.fixed},
            },
            upsert=True,
        )
        for state in states
    ]
    await put_all(collection, writes)
