"""A device, what ota-service tells of its updates, and what it says of itself."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from device_management.configuration.consumers import ReportConsumer
from device_management.device_status.consumers import UpdateConsumer
from shared.clock import SystemClock
from shared.contracts.envelope import Envelope
from shared.messaging.deliveries import Delivery

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def told(organizations):
    def news(uid="pump-1", *, firmware, counter, state="flashed", organization_id=organizations.own):
        return Envelope(
            id=uuid4(),
            source="/ota-service",
            type=f"update_session.{state}.v1",
            subject="update_session/s",
            time=AT,
            organizationid=organization_id,
            data={
                "organization_id": organization_id,
                "version": 4,
                "session_id": "s",
                "device_uid": uid,
                "firmware_id": 1,
                "firmware_name": "edge",
                "firmware_version": firmware,
                "state": state,
                "counter": counter,
                "opened_at": AT,
                "updated_at": AT,
            },
        )

    return news


@pytest.fixture
def hear(app):
    return UpdateConsumer(app.state.scopes)


@pytest.fixture
async def pump(admin):
    answer = await admin.post("/api/v2/devices", json={"device_uid": "pump-1"})
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def say(app):
    """`await say(("pump-1", {"firmware_version": "1.0"}), ...)` is one batch; answers with the poison in it."""
    consumer = ReportConsumer(app.state.scopes, clock=SystemClock())

    async def deliver(*reports):
        deliveries = [
            Delivery(
                tag=tag,
                body=body if isinstance(body, bytes) else json.dumps(body).encode(),
                routing_key=f"devices.{uid}.state",
                message_id=None,
                headers={},
                redelivered=False,
                timestamp=None,
            )
            for tag, (uid, body) in enumerate(reports, 1)
        ]
        return [rejected.index for rejected in await consumer(deliveries)]

    return deliver
