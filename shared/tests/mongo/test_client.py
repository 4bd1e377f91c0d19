import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from shared.mongo import client
from shared.mongo.bulk import put_all, write_all
from shared.mongo.errors import StoreAway, store_errors
from shared.testing import eventually
from shared.testing.documents import answers, opened

THE_DRIVERS_OWN_PATIENCE_S = 30
BUSY_FOR_S = 5


@pytest.fixture
async def database(mongodb_url: str, mongodb_database: str):
    async with opened(mongodb_url, mongodb_database) as database:
        yield database


async def test_times_are_aware_and_ids_are_uuids(database):
    document = {"_id": uuid4(), "at": datetime(2026, 11, 21, tzinfo=UTC)}
    await database["things"].insert_one(document)
    assert await database["things"].find_one() == document


async def test_every_write_is_journaled(database):
    assert database.write_concern.document == {"w": "majority", "j": True}
    assert database["things"].write_concern.document == {"w": "majority", "j": True}


async def test_many_writes_wait_for_the_journal_once_and_one_alone_by_itself(database):
    counted = [UpdateOne({"_id": number}, {"$inc": {"times": 1}}, upsert=True) for number in range(120)]
    await put_all(database["things"], counted[:1])
    await write_all(database["things"], counted[1:2])
    assert await database["journal"].find_one() is None
    await put_all(database["things"], counted)
    await write_all(database["things"], counted)
    waits = await database["journal"].find_one()
    assert waits is not None
    assert waits["waits"] == 2


async def test_a_store_that_is_away_is_said_so_before_the_driver_itself_would():
    async with client.open("mongodb://127.0.0.1:1", "nowhere") as database:
        async with asyncio.timeout(THE_DRIVERS_OWN_PATIENCE_S - 5):
            with pytest.raises(StoreAway):
                await client.check(database)


async def test_a_heartbeat_waits_for_a_server_that_only_has_much_to_do():
    async with client.open("mongodb://127.0.0.1:1", "nowhere") as database:
        of_heartbeats = database.client.options.pool_options.connect_timeout
    assert of_heartbeats is not None
    assert BUSY_FOR_S < of_heartbeats < THE_DRIVERS_OWN_PATIENCE_S


async def test_a_refusal_of_the_store_is_no_outage(database):
    await database["things"].insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError), store_errors():
        await database["things"].insert_one({"_id": 1})


async def test_a_store_stopped_and_started_again_is_used_again(servers, database):
    await client.check(database)
    try:
        await asyncio.to_thread(servers.kill, "mongodb")
        with pytest.raises(StoreAway):
            await client.check(database)
    finally:
        await asyncio.to_thread(servers.start, "mongodb")
    await eventually(lambda: answers(database))
