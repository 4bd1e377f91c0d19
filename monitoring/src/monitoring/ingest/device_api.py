"""Telemetry over HTTP, for devices that speak nothing else, and for gateways that speak for them."""

from typing import Annotated

from fastapi import APIRouter, Request

from monitoring.fleet.errors import DeviceNotFound, DeviceTokenRevoked
from monitoring.ingest.errors import TelemetryTooLarge, UnreadableTelemetry
from monitoring.ingest.service import TelemetrySubmission
from shared.http.declared import raises
from shared.http.idempotency import IDEMPOTENCY_KEY
from shared.http.principal import Principal, requires_device
from shared.http.problem import InvalidJson
from shared.http.scope import use
from shared.messaging.errors import BrokerAway, PublishUnknown

router = APIRouter(prefix="/device", tags=["device"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "example": {"ts": "2026-11-21T10:00:00Z", "seq": 17, "boot": "b1", "metrics": {"temperature": 21.5}}
            }
        },
    }
}


@router.post("/{uid}/telemetry", status_code=202, openapi_extra=_BODY)
@raises(
    DeviceTokenRevoked,
    DeviceNotFound,
    TelemetryTooLarge,
    InvalidJson,
    UnreadableTelemetry,
    BrokerAway,
    PublishUnknown,
)
async def submit(
    uid: str,
    who: Annotated[Principal, requires_device(gateways=True)],
    submission: Annotated[TelemetrySubmission, use(TelemetrySubmission)],
    request: Request,
    key: Annotated[str | None, IDEMPOTENCY_KEY] = None,
) -> None:
    """One sample or a list of them; answered once the broker has confirmed it, which makes it as good as stored.

    A gateway sends for the devices of its organization.
    """
    await submission.submit(uid, who, await request.body(), key=key)
