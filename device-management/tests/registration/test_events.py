"""What is said of new devices has the shapes that it has of all others."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import BaseModel

from device_management.devices.schemas import DeviceRead
from device_management.devices.states import Lifecycle, Status
from device_management.registration.events import Telling, begun, described
from device_management.registration.models import NewDevice, Stored
from shared.contracts.devices import DeviceRegistered

NEW = NewDevice(
    device_uid="pump-1",
    organization_id=3,
    name="Pump",
    device_type=None,
    serial_number="SN",
    hardware_version="v1.0",
    lifecycle=Lifecycle.DEPLOYED,
    reported_status=Status.BUSY,
    updates_enabled=False,
    attributes={"large": 10**30, "deep": [1.5, None, {"e": "é"}]},
    tags=["north"],
    registered_at=datetime(2026, 11, 21, 6, 15, 31, 843, tzinfo=UTC),
)


TELLING = Telling(NEW.organization_id, NEW.registered_at)
DESCRIBED = described(NEW, NEW.attributes)
STORED = Stored(7, 5, 2)


@pytest.mark.parametrize(
    ("told", "kind"),
    [(TELLING.registered(DESCRIBED, STORED), DeviceRegistered), (TELLING.shown(DESCRIBED, NEW, STORED), DeviceRead)],
)
def test_a_new_device_is_told_of_as_the_model_would_tell_it(told: bytes, kind: type[BaseModel]):
    said = json.loads(told)
    assert said == json.loads(kind.model_validate(said).model_dump_json())
    assert said.keys() == kind.model_fields.keys()
    given = msgspec.structs.asdict(NEW)
    common = given.keys() & said.keys() - {"registered_at"}
    assert {name: said[name] for name in common} == {name: given[name] for name in common}


def test_the_audit_log_begins_with_what_a_device_was_given():
    said = json.loads(begun(described(NEW, {"token": "***"}), NEW))
    given = msgspec.structs.asdict(NEW)
    del given["organization_id"], given["registered_at"]
    assert said == {**given, "attributes": {"token": "***"}}


async def test_the_event_and_the_answer_are_of_the_stored_device(
    admin: httpx.AsyncClient, organizations: Any, sql: Any
):
    body = [{"device_uid": "pump-1", "organization_id": organizations.own, "status": "busy", "attributes": {"a": [1]}}]
    [answered] = (await admin.post("/api/v2/devices/batch", json=body)).json()["successful"]
    assert answered["device"] == (await admin.get("/api/v2/devices/pump-1")).json()
    told = json.loads(await sql.fetchval("select payload from outbox"))["data"]
    common = told.keys() & answered["device"].keys()
    assert len(common) > 15
    assert {name: told[name] for name in common} == {name: answered["device"][name] for name in common}
