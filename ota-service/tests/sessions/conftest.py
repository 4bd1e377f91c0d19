"""A small fleet in the copy, an approved firmware, and clients for a person and for devices."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from uuid import uuid4

import httpx
import pytest

from ota_service.firmware.schemas import FirmwareRead, FirmwareUpload
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.service import FleetService
from ota_service.sessions.consumers import PresenceConsumer
from ota_service.sessions.jobs import Deadlines
from shared.contracts.devices import DeviceSnapshot
from shared.contracts.envelope import Envelope

AT = datetime(2026, 11, 21, tzinfo=UTC)
IMAGE = bytes(range(256)) * 2_000


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


@dataclass
class Update:
    """An update of pump-1 that was just opened."""

    id: str
    device: Device
    firmware: FirmwareRead


@pytest.fixture
async def update(add_devices, add_firmware, person, device) -> Update:
    await add_devices("pump-1", "pump-2")
    firmware = await add_firmware()
    answer = await person.post("/api/v2/updates", json={"device_uid": "pump-1", "firmware_id": firmware.id})
    assert answer.status_code == 202, answer.text
    return Update(answer.json()["session_id"], device(), firmware)


@pytest.fixture
def presence(app):
    versions = count(1)

    async def hear(verb, uid="pump-1", *, version=None):
        """`verb` is connected or disconnected."""
        at = datetime.now(UTC)
        data = {
            "organization_id": 1,
            "version": version or next(versions),
            "device_uid": uid,
            "online": verb == "connected",
            "since": at,
        }
        event = Envelope(
            id=uuid4(),
            source="/monitoring",
            type=f"device.{verb}.v1",
            subject=f"presence/{uid}",
            time=at,
            organizationid=1,
            data=data,
        )
        await PresenceConsumer(app.state.scopes)([event])

    return hear
