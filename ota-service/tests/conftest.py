"""ota-service on a real PostgreSQL: migrated once, emptied for every test."""

import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from ota_service.app import build
from ota_service.bootstrap import api_lifespan
from ota_service.firmware.schemas import FirmwareRead, FirmwareUpload
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.service import FleetService
from ota_service.sessions.jobs import Deadlines
from ota_service.settings import Settings
from shared.contracts.devices import DeviceSnapshot
from shared.testing import UNLIMITED, Credentials
from shared.testing.databases import empty, migrate

DATABASE = "ota_service_tests"
AT = datetime(2026, 11, 21, tzinfo=UTC)
IMAGE = bytes(range(256)) * 2_000


@pytest.fixture(scope="session")
async def database(postgres_server) -> str:
    await migrate(Path(__file__).parents[1], postgres_server.url, DATABASE)
    return DATABASE


@pytest.fixture(scope="session")
def credentials(tmp_path_factory) -> Credentials:
    return Credentials(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def settings(postgres_server, database, credentials, tmp_path) -> Settings:
    """With a broker that is nowhere: the api tells it of signs of life, and a stack may run on this machine."""
    return Settings(
        **UNLIMITED,
        postgres_url=postgres_server.url,
        postgres_database=database,
        keys_dir=credentials.directory,
        amqp_url="amqp://muster:muster@127.0.0.1:1/",
        firmware_store=(tmp_path / "firmware").as_uri(),
    )


@pytest.fixture(autouse=True)
def _patience(monkeypatch) -> None:
    """On a machine that stands still for seconds no query is slow, and PostgreSQL not away."""
    monkeypatch.setattr("shared.rql.sql.SEARCH_SECONDS", 25.0)
    monkeypatch.setattr("shared.sql.engine.PATIENCE_S", 60)


@pytest.fixture
async def sql(settings) -> AsyncIterator[asyncpg.Connection]:
    """A bare connection to the service's database."""
    connection = await asyncpg.connect(settings.database_url().replace("+asyncpg", ""))
    yield connection
    await connection.close()


_applications: dict[str, FastAPI] = {}


def application(settings: Settings) -> FastAPI:
    """One for all tests with these settings, for its routes take long to make; what a test has is in its lifespan."""
    key = settings.model_dump_json(exclude={"firmware_store"})
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


@dataclass
class Upload:
    """An upload as FirmwareService takes it."""

    version: str
    hardware_versions: list[str] = field(default_factory=list)
    name: str = "edge"
    image: bytes = IMAGE

    async def file(self) -> AsyncIterator[bytes]:
        yield self.image

    def described(self) -> FirmwareUpload:
        return FirmwareUpload(
            name=self.name, version=self.version, filename="edge.bin", hardware_versions=self.hardware_versions
        )


@pytest.fixture
def add_firmware(app):
    async def add(version="2.0", *, organization_id=1, approved=True, hardware_versions=(), **differs) -> FirmwareRead:
        async with app.state.scopes() as scope:
            firmware = scope.get(FirmwareService)
            added, _ = await firmware.upload(organization_id, "1", Upload(version, list(hardware_versions), **differs))
            return await firmware.approve(organization_id, added.id, "1", is_person=True) if approved else added

    return add


@pytest.fixture
def add_devices(app):
    async def add(*uids: str, organization_id=1, version=1, **differs) -> None:
        """Puts devices into the copy; their ids are made from their names."""
        state = {"lifecycle": "deployed", "firmware_version": "1.0", "hardware_version": "r1"} | differs
        news = [
            DeviceSnapshot(
                organization_id=organization_id,
                version=version,
                device_id=int.from_bytes(uid.encode()[-7:]),
                device_uid=uid,
                **({"min_token_generation": 1} | state),
                registered_at=AT,
                updated_at=AT,
            )
            for uid in uids
        ]
        async with app.state.scopes() as scope:
            await scope.get(FleetService).follow(news)

    return add


@pytest.fixture
async def connect(app) -> AsyncIterator[Callable[[str], httpx.AsyncClient]]:
    """A client with a token."""
    clients: list[httpx.AsyncClient] = []

    def client(token: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        clients.append(httpx.AsyncClient(transport=transport, base_url="http://muster.test", headers=headers))
        return clients[-1]

    yield client
    for opened in clients:
        await opened.aclose()


@pytest.fixture
def person(connect, credentials) -> httpx.AsyncClient:
    return connect(credentials.person("updates:read", "updates:write", organization_id=1, user="7"))


@dataclass
class Device:
    """A device that speaks with its own token."""

    uid: str
    http: httpx.AsyncClient

    async def waiting(self) -> httpx.Response:
        return await self.http.get(f"/api/v2/device/{self.uid}/updates")

    async def say(self, session_id: str, verb: str, **said) -> httpx.Response:
        path = f"/api/v2/device/{self.uid}/updates/{session_id}/{verb}"
        return await self.http.post(path, json=said) if said else await self.http.post(path)


@pytest.fixture
def device(connect, credentials) -> Callable[..., Device]:
    def speak(uid="pump-1", *, organization_id=1, generation=1) -> Device:
        token = credentials.device(uid, organization_id=organization_id, generation=generation)
        return Device(uid, connect(token))

    return speak


@pytest.fixture
def deadlines(app) -> Deadlines:
    return Deadlines(app.state.scopes)
