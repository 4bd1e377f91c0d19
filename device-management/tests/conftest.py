"""device-management on a real PostgreSQL and Redis: migrated once, a fresh database for every test."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from device_management.app import build
from device_management.settings import Settings
from shared.testing import Credentials

SERVICE = Path(__file__).parents[1]
TEMPLATE = "device_management_template"


@pytest.fixture(scope="session")
def migrated_server(postgres_server) -> str:
    """The server's URL; its template database has every migration applied by alembic itself."""
    environment = {**os.environ, "MUSTER_POSTGRES_URL": postgres_server.url, "MUSTER_POSTGRES_DATABASE": TEMPLATE}
    command = [sys.executable, "-m", "alembic", "-c", str(SERVICE / "alembic.ini"), "upgrade", "head"]
    subprocess.run(command, env=environment, check=True, cwd=SERVICE, timeout=60)
    return postgres_server.url


@pytest.fixture(scope="session")
def credentials(tmp_path_factory) -> Credentials:
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="session")
async def database(migrated_server) -> str:
    name = f"dm_{uuid4().hex[:12]}"
    connection = await asyncpg.connect(f"{migrated_server}/postgres")
    await connection.execute(f'create database "{name}" template "{TEMPLATE}"')
    await connection.close()
    return name


@pytest.fixture
def settings(migrated_server, database, redis_url, credentials) -> Settings:
    return Settings(
        postgres_url=migrated_server, postgres_database=database, redis_url=redis_url, keys_dir=credentials.directory
    )


@pytest.fixture
async def app(settings, sql) -> AsyncIterator[FastAPI]:
    """The application on an empty database."""
    tables = await sql.fetch("select tablename from pg_tables where schemaname = 'public' and tablename !~ 'alembic'")
    names = ", ".join(row["tablename"] for row in tables)
    await sql.execute(f"truncate {names} restart identity cascade")
    app = build(settings)
    async with app.router.lifespan_context(app):
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
