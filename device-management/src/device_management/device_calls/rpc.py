"""DeviceManagement, as `shared/rpc/device_management.proto` declares it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Final

from grpc import aio
from pydantic import ValidationError

from device_management.actions.errors import ActionNotFound
from device_management.actions.schemas import ActionOrder, ActionRead
from device_management.actions.service import ActionService
from device_management.actions.states import OPEN
from device_management.audit.schemas import Actor
from device_management.device_calls.schemas import (
    action_info,
    action_status,
    batch_device,
    device_create,
    device_info,
    device_status,
    order,
    status_word,
)
from device_management.devices.schemas import DeviceFilter, StatusSet
from device_management.devices.service import DeviceService
from device_management.registration.schemas import BatchDevice
from device_management.registration.service import RegistrationService
from shared.http.preconditions import Expected
from shared.rpc import device_management_pb2 as pb
from shared.rpc.calls import Calls, Context, first_of
from shared.rpc.device_management_pb2_grpc import DeviceManagementServicer, add_DeviceManagementServicer_to_server
from shared.rpc.errors import InvalidRequest
from shared.together import Together

SERVICE_NAME: Final = "muster.device_management.v1.DeviceManagement"

_PAGE = 1_000
_NAMED: Final = 100
"""Characters of what was refused as an id: thousands of refusals are answered at once."""

_LOOK_S: Final = 0.5
"""How often the watched actions of all callers are looked at, in one query."""


class DeviceCalls(DeviceManagementServicer):
    def __init__(self, calls: Calls, *, batch_limit: int) -> None:
        self._calls = calls
        self._batch_limit = batch_limit
        self._watched: Together[tuple[int, int], ActionRead] = Together(self._newest, linger_s=_LOOK_S)

    def add_to(self, server: aio.Server) -> None:
        add_DeviceManagementServicer_to_server(self, server)

    async def RegisterDevice(self, request: pb.RegisterDeviceRequest, context: Context) -> pb.RegisterDeviceResponse:  # noqa: N802
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:write")
            async with self._calls.unit() as unit:
                device = await unit.get(RegistrationService).register(
                    who.organization_id, device_create(request), by=Actor.of(who)
                )
            uid = device.device_uid
            return pb.RegisterDeviceResponse(success=True, message=f"device {uid} registered", device_id=uid)

    async def RegisterDevices(  # noqa: N802
        self, request_iterator: AsyncIterator[pb.RegisterDeviceRequest], context: Context
    ) -> pb.RegisterDevicesResponse:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:write")
            answer = pb.RegisterDevicesResponse()
            good: list[tuple[int, BatchDevice]] = []
            position = -1
            async for request in request_iterator:
                position += 1
                if position >= self._batch_limit:
                    raise InvalidRequest(f"at most {self._batch_limit} devices in one call")
                try:
                    good.append((position, batch_device(request, who.organization_id)))
                except (ValidationError, InvalidRequest) as error:
                    message = error.detail if isinstance(error, InvalidRequest) else first_of(error)
                    answer.refused.add(
                        position=position,
                        device_id=request.device_id[:_NAMED],
                        code=InvalidRequest.code,
                        message=message,
                    )
            if good:
                await self._register(who.organization_id, good, answer, Actor.of(who))
            answer.refused.sort(key=lambda refused: refused.position)
            return answer

    async def _register(
        self,
        organization_id: int,
        devices: Sequence[tuple[int, BatchDevice]],
        answer: pb.RegisterDevicesResponse,
        by: Actor,
    ) -> None:
        async with self._calls.unit() as unit:
            read = await unit.get(RegistrationService).register_batch(
                organization_id, [device for _, device in devices], by=by
            )
        answer.device_ids.extend(device.device_uid for device in read.successful)
        positions: defaultdict[str, list[int]] = defaultdict(list)
        for position, device in devices:
            positions[device.device_uid or ""].append(position)
        # Of those with one uid, or without any, the first are registered: the last ones are refused.
        for failure in reversed(read.failed):
            uid = str(failure.device.get("device_uid") or "")
            answer.refused.add(position=positions[uid].pop(), device_id=uid, code=failure.code, message=failure.error)

    async def SetDeviceStatus(  # noqa: N802
        self, request: pb.SetDeviceStatusRequest, context: Context
    ) -> pb.SetDeviceStatusResponse:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:write")
            status = StatusSet.model_validate({"status": status_word(request.status)}).status
            async with self._calls.unit() as unit:
                device = await unit.get(DeviceService).set_status(
                    who.organization_id, request.device_id, status, by=Actor.of(who), expected=Expected()
                )
            return pb.SetDeviceStatusResponse(
                success=True,
                message=device.message,
                previous_status=device_status(device.previous_status),
                current_status=device_status(device.current_status),
            )

    async def GetDeviceInfo(self, request: pb.GetDeviceInfoRequest, context: Context) -> pb.GetDeviceInfoResponse:  # noqa: N802
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:read")
            async with self._calls.unit() as unit:
                found = await unit.get(DeviceService).info(who.organization_id, request.device_id)
            return pb.GetDeviceInfoResponse(
                success=True, message=found.message, device_info=device_info(found.device_info)
            )

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Context) -> pb.ListDevicesResponse:  # noqa: N802
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:read")
            if not 0 <= request.page_size <= _PAGE:
                raise InvalidRequest(f"page_size is at most {_PAGE}")
            async with self._calls.unit() as unit:
                page = await unit.get(DeviceService).page(
                    who.organization_id,
                    only=DeviceFilter(rql=request.rql or None),
                    cursor=request.page_token or None,
                    limit=request.page_size or _PAGE,
                )
            return pb.ListDevicesResponse(
                success=True,
                message=f"{len(page.items)} device(s)",
                devices=[device_info(device) for device in page.items],
                next_page_token=page.next or "",
            )

    async def StreamDevices(  # noqa: N802
        self, request: pb.StreamDevicesRequest, context: Context
    ) -> AsyncIterator[pb.DeviceInfo]:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:read")
            cursor: str | None = None
            while True:
                self._calls.known(context, "devices:read")
                async with self._calls.unit() as unit:
                    page = await unit.get(DeviceService).page(
                        who.organization_id, only=DeviceFilter(rql=request.rql or None), cursor=cursor, limit=_PAGE
                    )
                for device in page.items:
                    yield device_info(device)
                cursor = page.next
                if cursor is None:
                    return

    async def InitiateDeviceAction(  # noqa: N802
        self, request: pb.InitiateDeviceActionRequest, context: Context
    ) -> pb.InitiateDeviceActionResponse:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:write")
            asked: ActionOrder = order(request)
            async with self._calls.unit() as unit:
                uid = await unit.get(DeviceService).uid_of(who.organization_id, request.device_id)
                action = await unit.get(ActionService).request(who.organization_id, uid, asked, by=Actor.of(who))
            return pb.InitiateDeviceActionResponse(
                success=True,
                message=f"{action.type} initiated on {uid}",
                action_id=str(action.action_id),
                action_status=action_status(action.state),
            )

    async def GetDeviceActionStatus(  # noqa: N802
        self, request: pb.GetDeviceActionStatusRequest, context: Context
    ) -> pb.GetDeviceActionStatusResponse:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:read")
            return _told(await self._action(who.organization_id, request.action_id))

    async def WatchDeviceAction(  # noqa: N802
        self, request: pb.GetDeviceActionStatusRequest, context: Context
    ) -> AsyncIterator[pb.ActionInfo]:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:read")
            action: ActionRead = await self._action(who.organization_id, request.action_id)
            yield action_info(action)
            while action.state in OPEN:
                seen = action.version
                found = await self._watched.ask((who.organization_id, action.action_id))
                self._calls.known(context, "devices:read")
                if found is None:
                    raise ActionNotFound
                action = found
                if action.version > seen:
                    yield action_info(action)

    async def CancelDeviceAction(  # noqa: N802
        self, request: pb.CancelDeviceActionRequest, context: Context
    ) -> pb.GetDeviceActionStatusResponse:
        async with self._calls.answering(context):
            who = await self._calls.caller(context, "devices:write")
            async with self._calls.unit() as unit:
                cancelled = await unit.get(ActionService).cancel(
                    who.organization_id, _action_id(request.action_id), by=Actor.of(who)
                )
            return _told(cancelled)

    async def _action(self, organization_id: int, reference: str) -> ActionRead:
        async with self._calls.unit() as unit:
            return await unit.get(ActionService).get(organization_id, _action_id(reference))

    async def _newest(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], ActionRead]:
        async with self._calls.unit() as unit:
            return await unit.get(ActionService).newest(wanted)


def _action_id(reference: str) -> int:
    if not (reference.isascii() and reference.isdigit() and len(reference) <= 18):
        raise ActionNotFound
    return int(reference)


def _told(action: ActionRead) -> pb.GetDeviceActionStatusResponse:
    return pb.GetDeviceActionStatusResponse(
        success=True, message=action.error or f"{action.type} is {action.state}", action_info=action_info(action)
    )
