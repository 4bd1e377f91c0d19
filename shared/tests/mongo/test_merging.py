"""Many documents changed at once, each in its own way: those alone that are as they were read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from shared.mongo import client
from shared.mongo.bulk import Collection, Merge, merge_all
from shared.mongo.client import Document
from shared.mongo.lookup import SLICE

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def collection(mongodb_url: str) -> AsyncIterator[Collection]:
    async with client.open(mongodb_url, f"merging_{uuid4().hex[:8]}") as database:
        yield database["things"]
        await database.client.drop_database(database.name)


async def stored(collection: Collection) -> dict[str, Document]:
    return {document.pop("_id"): document async for document in collection.find()}


async def test_each_document_becomes_its_own_and_keeps_what_is_not_named(collection: Collection):
    count = 2 * SLICE + 1
    await collection.insert_many([{"_id": f"d{n}", "revision": n, "kept": n, "name": {"old": 1}} for n in range(count)])
    merges = [
        Merge(f"d{n}", n, {"revision": n + 1, "name": {"new": f"$own {n}"}, "at": NOW, "none": None})
        for n in reversed(range(count))
    ]
    assert await merge_all(collection, merges) == count
    assert await stored(collection) == {
        f"d{n}": {"revision": n + 1, "kept": n, "name": {"new": f"$own {n}"}, "at": NOW, "none": None}
        for n in range(count)
    }


async def test_one_that_was_changed_meanwhile_or_is_not_there_stays_so(collection: Collection):
    await collection.insert_many([{"_id": "a", "revision": 1}, {"_id": "b", "revision": 2, "gone": 1, "list": [1]}])
    merges = [Merge(name, 1, {"revision": 2, "mine": True}, [{"id": name}]) for name in ("a", "b", "c")]
    assert await merge_all(collection, merges, append_to="list", gone=["gone"]) == 1
    assert await stored(collection) == {
        "a": {"revision": 2, "mine": True, "list": [{"id": "a"}]},
        "b": {"revision": 2, "gone": 1, "list": [1]},
    }


async def test_what_is_appended_comes_after_what_is_there_and_what_shall_go_goes(collection: Collection):
    await collection.insert_many([{"_id": "a", "revision": 1, "list": [1], "gone": 1}, {"_id": "b", "revision": 1}])
    merges = [Merge(name, 1, {"revision": 2}, [{"id": name}, {"id": "$last"}]) for name in ("a", "b")]
    assert await merge_all(collection, merges, append_to="list", gone=["gone"]) == 2
    assert await stored(collection) == {
        "a": {"revision": 2, "list": [1, {"id": "a"}, {"id": "$last"}]},
        "b": {"revision": 2, "list": [{"id": "b"}, {"id": "$last"}]},
    }


async def test_nothing_to_merge_asks_nothing(collection: Collection):
    assert await merge_all(collection, []) == 0
