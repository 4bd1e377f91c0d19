"""Why a device was not updated, over REST."""

from typing import Annotated

from fastapi import APIRouter, Query

from ota_service.explanations.schemas import WhyRead
from ota_service.explanations.service import ExplanationService
from ota_service.fleet.errors import DeviceNotFound
from ota_service.releases.errors import ReleaseNotFound
from shared.contracts.routes import DEVICE_UID
from shared.http.declared import raises
from shared.http.principal import Principal, requires
from shared.http.scope import use
from shared.rql.errors import QueryTooSlow

router = APIRouter(prefix="/updates", tags=["updates"])

Explanations = Annotated[ExplanationService, use(ExplanationService)]


@router.get("/why")
@raises(DeviceNotFound, ReleaseNotFound, QueryTooSlow)
async def why(
    device_uid: Annotated[str, Query(pattern=rf"^{DEVICE_UID.pattern}$")],
    who: Annotated[Principal, requires("updates:read")],
    explanations: Explanations,
    release: Annotated[str | None, Query(max_length=80, description="A release's slug or id; else its newest")] = None,
) -> WhyRead:
    """Why a device was not updated: a word, a sentence and the next step."""
    return await explanations.why(who.organization_id, device_uid, release)
