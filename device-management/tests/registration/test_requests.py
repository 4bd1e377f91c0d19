"""Devices that a gateway speaks for are registered, once and within the organization's limit."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from device_management.registration.consumers import RegistrationConsumer
from shared.contracts.device_requests import DeviceRegistrationRequested
from shared.contracts.envelope import Envelope

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def ask(app, organizations):
    consumer = RegistrationConsumer(app.state.scopes)

    async def deliver(*uids, organization_id=organizations.own):
        events = [
            DeviceRegistrationRequested(
                organization_id=organization_id,
                version=1,
                device_uid=uid,
                requested_by="gateway 9b2e6c1e",
                requested_at=AT,
            )
            for uid in uids
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


async def test_a_device_is_registered_once_and_is_in_the_field(admin, ask, sql):
    await ask("pump-1", "pump-1", "123")
    await ask("pump-1")
    device = (await admin.get("/api/v2/devices/pump-1")).json()
    assert (device["lifecycle"], device["version"]) == ("deployed", 1)
    [entry] = await sql.fetch("select actor_kind, actor_id from audit_entries where subject_kind = 'device'")
    assert tuple(entry) == ("gateway", "9b2e6c1e")
    assert await sql.fetchval("select count(*) from outbox where type = 'device.registered.v1'") == 1


async def test_the_limit_a_suspension_and_the_wish_for_no_devices_hold_for_gateways_too(ask, sql, organizations):
    await sql.execute("update organizations set device_limit = 1 where id = $1", organizations.own)
    await ask("pump-1", "pump-2")
    assert await sql.fetchval("select count(*) from devices") == 1
    await sql.execute("update organizations set state = 'suspended', device_limit = null")
    await ask("pump-3")
    await ask("pump-4", organization_id=999_999)
    await sql.execute("""update organizations set state = 'active', settings = '{"gateways_register": false}'""")
    await ask("pump-5")
    assert await sql.fetchval("select count(*) from devices") == 1
