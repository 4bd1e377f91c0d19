"""device-management on a real PostgreSQL and Redis: migrated once, emptied for every test."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from device_management.app import build
from device_management.bootstrap_api import api_lifespan
from device_management.settings import Settings
from shared.testing import UNLIMITED, Credentials
from shared.testing.databases import empty, migrate

DATABASE = "device_management_tests"


@pytest.fixture(scope="session")
async def database(postgres_server) -> str:
    await migrate(Path(__file__).parents[1], postgres_server.url, DATABASE)
    return DATABASE


@pytest.fixture(scope="session")
def credentials(tmp_path_factory) -> Credentials:
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def settings(postgres_server, database, redis_url, credentials) -> Settings:
    """With a Redis that is waited for: one that is slow to answer is not away."""
    return Settings(
        **UNLIMITED,
        sign_ins_per_second=0,
        grpc_port=0,
        postgres_url=postgres_server.url,
        postgres_database=database,
        redis_url=f"{redis_url}?socket_timeout=60&socket_connect_timeout=60",
        keys_dir=credentials.directory,
    )


@pytest.fixture(autouse=True)
def _patience(monkeypatch) -> None:
    """On a machine that stands still for seconds no query is slow, and PostgreSQL not away."""
    monkeypatch.setattr("shared.rql.sql.SEARCH_SECONDS", 25.0)
    monkeypatch.setattr("shared.sql.engine.PATIENCE_S", 60)


_applications: dict[str, FastAPI] = {}


def application(settings: Settings) -> FastAPI:
    """One for all tests with these settings, for its routes take long to make; what a test has is in its lifespan."""
    key = settings.model_dump_json()
    if key not in _applications:
        _applications[key] = build(settings)
    return _applications[key]


@pytest.fixture
async def app(settings, sql) -> AsyncIterator[FastAPI]:
    """The application on an empty database."""
    await empty(sql)
    app = application(settings)
    async with api_lifespan(settings)(app):
        yield app


@pytest.fixture
async def anyone(app) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
        yield client


@dataclass
class Organizations:
    """The caller's organization, and another one."""

    own: int
    other: int


@pytest.fixture
async def organizations(sql, app) -> Organizations:
    insert = "insert into organizations (slug, name) values ($1, $1) returning id"
    return Organizations(await sql.fetchval(insert, "own"), await sql.fetchval(insert, "other"))


@pytest.fixture
async def admin(anyone, credentials, organizations) -> httpx.AsyncClient:
    """A client that may read and write the devices of the own organization."""
    token = credentials.person("devices:read", "devices:write", organization_id=organizations.own)
    anyone.headers["Authorization"] = f"Bearer {token}"
    return anyone


@pytest.fixture
async def stranger(app, credentials, organizations) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the same rights in the other organization."""
    token = credentials.person("devices:read", "devices:write", organization_id=organizations.other)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers) as client:
        yield client


@pytest.fixture
async def sql(settings) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection to the service's database."""
    connection = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
    yield connection
    await connection.close()


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("MUSTER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def clones(sql, app, credentials):
    """`await clones("pump-", 1000, organization_id=1)` makes deployed devices `pump-1` and on, faster than by REST.

    They are copies of one that was registered; `version` is the number, unless given. Their events are left out.
    """

    async def make(prefix: str, number: int, *, organization_id: int, first: int = 1, step: int = 1) -> None:
        token = credentials.person("devices:write", organization_id=organization_id)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://muster.test") as client:
            headers = {"Authorization": f"Bearer {token}"}
            body = {"device_uid": "clones-template", "status": "deployed"}
            (await client.post("/api/v2/devices", json=body, headers=headers)).raise_for_status()
        await sql.execute(
            """
            insert into devices
            select clone.* from devices as template, generate_series($2::int, $3::int, $4::int) as n,
              lateral jsonb_populate_record(template, jsonb_build_object(
                'id', nextval(pg_get_serial_sequence('devices', 'id')), 'device_uid', $1::text || n, 'version', n
              )) as clone
            where template.device_uid = 'clones-template'
            """,
            prefix,
            first,
            number,
            step,
        )
        await sql.execute("delete from devices where device_uid = 'clones-template'")
        await sql.execute("delete from outbox where subject = 'device/clones-template'")

    return make
