"""From what a device has said to the events about it, pure."""

from datetime import datetime

from ota_service.ddi.models import DdiTarget
from shared.contracts.device_requests import DeviceAttributesReported, DeviceRegistrationRequested


def attributes_reported(target: DdiTarget, *, by: str, at: datetime) -> DeviceAttributesReported:
    return DeviceAttributesReported(
        organization_id=target.organization_id,
        version=target.version,
        device_uid=target.device_uid,
        requested_by=by,
        requested_at=at,
        attributes=target.attributes,
    )


def registration_requested(target: DdiTarget, *, by: str) -> DeviceRegistrationRequested:
    assert target.registration_asked_at is not None  # noqa: S101 - it was written just now
    return DeviceRegistrationRequested(
        organization_id=target.organization_id,
        version=target.version,
        device_uid=target.device_uid,
        requested_by=by,
        requested_at=target.registration_asked_at,
    )
