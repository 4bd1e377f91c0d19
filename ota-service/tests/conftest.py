"""ota-service on a real PostgreSQL: migrated once, emptied for every test."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from ota_service.app import build
from ota_service.settings import Settings
from shared.testing import UNLIMITED, Credentials
from shared.testing.databases import empty, migrate

DATABASE = "ota_service_tests"


@pytest.fixture(scope="session")
async def database(postgres_server) -> str:
    await migrate(Path(__file__).parents[1], postgres_server.url, DATABASE)
    return DATABASE


@pytest.fixture(scope="session")
def credentials(tmp_path_factory) -> Credentials:
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def settings(postgres_server, database, credentials, tmp_path) -> Settings:
    return Settings(
        **UNLIMITED,
        postgres_url=postgres_server.url,
        postgres_database=database,
        keys_dir=credentials.directory,
        firmware_store=(tmp_path / "firmware").as_uri(),
    )


@pytest.fixture
async def sql(settings) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection to the service's database."""
    connection = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
    yield connection
    await connection.close()


@pytest.fixture
async def app(settings, sql) -> AsyncIterator[FastAPI]:
    """The application on an empty database."""
    await empty(sql)
    app = build(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def client(app, credentials) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may read the devices of organization 1."""
    headers = {"Authorization": f"Bearer {credentials.person('devices:read', organization_id=1)}"}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch) -> None:
    for name in [name for name in os.environ if name.startswith("MUSTER_")]:
        monkeypatch.delenv(name)
