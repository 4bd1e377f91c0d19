"""What devices say of themselves through ota-service: the latest counts, whatever the order."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from device_management.device_status.consumers import AttributeConsumer
from shared.contracts.device_requests import DeviceAttributesReported
from shared.contracts.envelope import Envelope

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def hear(app, organizations):
    consumer = AttributeConsumer(app.state.scopes)

    async def deliver(*news):
        events = [
            DeviceAttributesReported(
                organization_id=organizations.own,
                version=version,
                device_uid=uid,
                requested_by="device",
                requested_at=AT,
                attributes=attributes,
            )
            for uid, version, attributes in news
        ]
        await consumer(
            [
                Envelope(
                    id=uuid4(),
                    source="/ota-service",
                    type=event.type,
                    subject=event.subject(),
                    time=AT,
                    organizationid=event.organization_id,
                    data=event.model_dump(mode="json"),
                )
                for event in events
            ]
        )

    return deliver


async def test_the_latest_report_counts_whatever_the_order(admin, pump, hear, sql):
    await hear(("pump-1", 2, {"hw": "r2"}), ("pump-1", 1, {"hw": "r1"}), ("nobodys", 1, {"hw": "r1"}))
    await hear(("pump-1", 1, {"hw": "r1"}))
    await hear(("pump-1", 2, {"hw": "r2"}))
    device = (await admin.get("/api/v2/devices/pump-1")).json()
    assert (device["reported_attributes"], device["version"]) == ({"hw": "r2"}, 2)
    assert await sql.fetchval("select count(*) from outbox where type = 'device.changed.v1'") == 1
    await hear(("pump-1", 3, {}))
    assert (await admin.get("/api/v2/devices/pump-1")).json()["reported_attributes"] == {}
