"""An update that was just opened, and the news of connections."""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pytest

from ota_service.firmware.schemas import FirmwareRead
from ota_service.sessions.consumers import PresenceConsumer
from shared.contracts.presence import DeviceConnected, DeviceDisconnected

from ..conftest import Device
from ..news import envelope


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
        kind = {"connected": DeviceConnected, "disconnected": DeviceDisconnected}[verb]
        data = kind(
            organization_id=1,
            version=version or next(versions),
            device_uid=uid,
            online=verb == "connected",
            since=datetime.now(UTC),
        )
        await PresenceConsumer(app.state.scopes)([envelope(data, source="/monitoring")])

    return hear
