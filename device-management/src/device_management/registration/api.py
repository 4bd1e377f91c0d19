"""Registration over REST."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from device_management.audit.schemas import Actor
from device_management.devices.schemas import DeviceRead
from device_management.organizations.errors import (
    DeviceLimitReached,
    GatewaysRegisterNothing,
    OrganizationIsSuspended,
    OrganizationNotFound,
)
from device_management.registration.errors import BatchTooLarge, DeviceUidTaken, UnacceptableUid
from device_management.registration.schemas import Batch, BatchRead, DeviceCreate, read_batch
from device_management.registration.service import RegistrationService
from shared.http.declared import raises
from shared.http.idempotency import Once, once
from shared.http.principal import Principal, requires
from shared.http.scope import use

router = APIRouter(prefix="/devices", tags=["devices"])

Registration = Annotated[RegistrationService, use(RegistrationService)]
Writer = Annotated[Principal, requires("devices:write")]
Registrar = Annotated[Principal, requires("devices:write", gateways=True)]


class _BatchRequest(Request):
    async def json(self) -> Any:
        devices = read_batch(await self.body())
        return await super().json() if devices is None else devices


class BatchRoute(APIRoute):
    """A route whose body is a `Batch`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_batch(request: Request) -> Response:
            return await handle(_BatchRequest(request.scope, request.receive))

        return handle_batch


@router.post("", status_code=201)
@router.post("/", status_code=201, include_in_schema=False)
@raises(
    OrganizationNotFound,
    OrganizationIsSuspended,
    GatewaysRegisterNothing,
    UnacceptableUid,
    DeviceUidTaken,
    DeviceLimitReached,
)
async def register(
    body: DeviceCreate, who: Registrar, registration: Registration, answer: Annotated[Once, Depends(once)]
) -> DeviceRead:
    """Registers a device of the caller's organization, for a person or a gateway."""
    return await answer.keep(await registration.register(who.organization_id, body, by=Actor.of(who)))


@raises(BatchTooLarge)
async def register_batch(
    body: Batch,
    who: Writer,
    registration: Registration,
    once: Annotated[Once, Depends(once)],
) -> Response:
    """Registers many devices, each on its own. A body whose shape is wrong is refused whole, and nothing is written."""
    answer = await registration.register_batch(who.organization_id, body, by=Actor.of(who))
    status = 207 if answer.failed else 201
    await once.keep_json(answer.read, status=status)
    return Response(answer.read, status, media_type="application/json")


router.add_api_route(
    "/batch",
    register_batch,
    methods=["POST"],
    status_code=201,
    response_model=BatchRead,
    responses={207: {"model": BatchRead, "description": "Some of them were not registered"}},
    route_class_override=BatchRoute,
)
