"""The throw-away servers that every other test stands on."""

import shutil

import asyncpg
import httpx
import pymongo
import pytest
import redis


async def test_each_test_has_a_database_of_its_own(postgres_url: str):
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("create table mine (id int)")
        assert await connection.fetchval("select count(*) from mine") == 0
    finally:
        await connection.close()


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_finds_an_empty_cache(redis_url: str, turn: int):
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", turn)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_mongodb_database_of_its_own(mongodb_url: str, mongodb_database: str, turn: int):
    with pymongo.MongoClient(mongodb_url) as client:
        collection = client[mongodb_database]["things"]
        collection.insert_one({"_id": 1, "turn": turn})
        assert collection.count_documents({}) == 1


@pytest.mark.skipif(shutil.which("mongod") is not None, reason="mongod makes its files safely")
def test_secantusdb_makes_no_table_any_more_once_it_is_ready(mongodb_url: str, mongodb_database: str, servers):
    def tables() -> set[str]:
        return {path.name for path in (servers.mongodb.directory / "secantusdb").glob("*.wt")}

    before = tables()
    with pymongo.MongoClient(mongodb_url) as client:
        for number in range(64):
            client[mongodb_database][f"things{number}"].insert_one({"_id": 1})
    assert tables() == before


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_a_virtual_host_of_its_own(amqp_url: str, rabbitmq_server, turn: int):
    vhost = amqp_url.rpartition("/")[2]
    with httpx.Client(base_url=rabbitmq_server.management_url, trust_env=False, timeout=60) as client:
        assert client.put(f"/api/queues/{vhost}/mine", json={"durable": True}).status_code == 201
        assert [queue["name"] for queue in client.get(f"/api/queues/{vhost}").json()] == ["mine"]


def test_a_monitoring_user_may_look_at_connections(rabbitmq_server):
    assert httpx.get(f"{rabbitmq_server.monitor_url}/api/connections", trust_env=False, timeout=60).is_success


def test_nobody_is_called_guest(rabbitmq_server):
    address = rabbitmq_server.management_url.rpartition("@")[2]
    answer = httpx.get(f"http://{address}/api/whoami", auth=("guest", "guest"), trust_env=False, timeout=60)
    assert answer.status_code == 401
