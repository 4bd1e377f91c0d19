import asyncio

import pytest

from shared.mongo.revocations import MongoRevocations
from shared.revocations import Revocation
from shared.testing.documents import opened


@pytest.fixture
async def revocations(mongodb_url, mongodb_database):
    async with opened(mongodb_url, mongodb_database) as database:
        store = MongoRevocations(database)
        await store.prepare()
        yield store


async def test_an_older_version_changes_nothing_whatever_the_order(revocations):
    newer, older = Revocation("organization", "1", 3, refused=False), Revocation("organization", "1", 2)
    await revocations.put([newer])
    await revocations.put([older])
    assert await revocations.load() == []
    await revocations.put([Revocation("organization", "1", 4)])
    assert await revocations.load() == [Revocation("organization", "1", 4)]


async def test_many_at_once_leave_the_newest(revocations):
    await asyncio.gather(*(revocations.put([Revocation("user", "1", version)]) for version in range(1, 11)))
    assert [entry.version for entry in await revocations.load()] == [10]
