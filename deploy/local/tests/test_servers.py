"""The throw-away servers that every other test stands on."""

import shutil
import subprocess

import asyncpg
import httpx
import pymongo
import pytest
import redis

from muster_stack.programs import RABBITMQ, require
from muster_stack.throwaway import ThrowAway


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


_ONLY_THE_SERVER = {"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "RABBITMQ_SERVER_START_ARGS", "RABBITMQ_DIST_PORT"}


def _in_the_broker(servers: ThrowAway, expression: str) -> str:
    """What the Erlang expression is in the broker."""
    spec = servers.rabbitmq.spec()
    control = next((require(RABBITMQ).parents[1] / "lib").glob("rabbitmq_server-*/sbin/rabbitmqctl"))
    done = subprocess.run(
        [control, "--quiet", "--node", spec.env["RABBITMQ_NODENAME"], "eval", expression],
        env={name: value for name, value in spec.env.items() if name not in _ONLY_THE_SERVER},
        cwd=spec.cwd,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return "".join(done.stdout.split())


@pytest.mark.usefixtures("rabbitmq_server")
def test_the_broker_keeps_connections_for_its_questions_on_which_they_wait(servers: ThrowAway):
    options = _in_the_broker(servers, "httpc:get_options([max_sessions, max_keep_alive_length]).")
    assert options == "{ok,[{max_sessions,400},{max_keep_alive_length,50}]}"


@pytest.mark.usefixtures("rabbitmq_server")
def test_the_broker_counts_connections_but_not_the_channels_of_each_user(servers: ThrowAway):
    handlers = _in_the_broker(servers, "gen_event:which_handlers(rabbit_event).")
    assert "rabbit_connection_tracking_handler" in handlers
    assert "rabbit_channel_tracking_handler" not in handlers
