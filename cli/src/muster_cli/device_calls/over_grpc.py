"""The calls over gRPC, with a token of the REST interface in their metadata."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, TypeVar

import grpc
from grpc import aio

from muster_cli.connection import Connection, Endpoint
from muster_cli.device_calls.facts import ActionFacts, DeviceFacts, StatusFacts
from muster_cli.errors import BadUsage, CommandError, Refused, Unreachable
from muster_cli.problems import next_step
from muster_cli.sign_in import SignIn
from shared.rpc import device_management_pb2 as pb
from shared.rpc.device_management_pb2_grpc import DeviceManagementStub

T = TypeVar("T")

_TIMEOUT_S = 15.0
_LATER = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED})
_HTTP = {
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.INVALID_ARGUMENT: 422,
}


class GrpcCalls:
    def __init__(self, stub: DeviceManagementStub, sign_in: SignIn, endpoint: Endpoint) -> None:
        self._stub: Any = stub
        self._sign_in = sign_in
        self._endpoint = endpoint

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: Connection) -> AsyncGenerator["GrpcCalls"]:
        """With TLS where the platform's own address has it. Raises BadUsage."""
        endpoint, sign_in = connection.grpc, connection.sign_in()
        address = str(endpoint)
        secure = connection.server.startswith("https:")
        credentials = grpc.ssl_channel_credentials() if secure else None
        opened = aio.secure_channel(address, credentials) if credentials else aio.insecure_channel(address)
        async with opened as channel:
            yield cls(DeviceManagementStub(channel), sign_in, endpoint)

    async def register(self, uid: str, *, name: str | None, kind: str | None, status: str) -> str:
        request = pb.RegisterDeviceRequest(
            device_id=uid, device_name=name or "", device_type=kind or "", initial_status=_status(status)
        )
        return (await self._call(self._stub.RegisterDevice, request)).device_id

    async def devices(self) -> AsyncIterator[DeviceFacts]:
        token = ""
        while True:
            page = await self._call(self._stub.ListDevices, pb.ListDevicesRequest(page_token=token))
            for device in page.devices:
                yield _device(device)
            token = page.next_page_token
            if not token:
                return

    async def device(self, uid: str) -> DeviceFacts:
        answer = await self._call(self._stub.GetDeviceInfo, pb.GetDeviceInfoRequest(device_id=uid))
        return _device(answer.device_info)

    async def set_status(self, uid: str, status: str) -> StatusFacts:
        request = pb.SetDeviceStatusRequest(device_id=uid, status=_status(status))
        answer = await self._call(self._stub.SetDeviceStatus, request)
        return StatusFacts(
            previous=pb.DeviceStatus.Name(answer.previous_status).lower(),
            current=pb.DeviceStatus.Name(answer.current_status).lower(),
        )

    async def initiate(self, uid: str, kind: str, params: Mapping[str, str]) -> ActionFacts:
        request = pb.InitiateDeviceActionRequest(device_id=uid, action_params=params)
        if kind.upper() in pb.ActionType.keys():  # noqa: SIM118 - an enum wrapper is no mapping
            request.action_type = pb.ActionType.Value(kind.upper())
        else:
            request.custom_type = kind
        return await self.action((await self._call(self._stub.InitiateDeviceAction, request)).action_id)

    async def action(self, action_id: str) -> ActionFacts:
        request = pb.GetDeviceActionStatusRequest(action_id=action_id)
        return _action((await self._call(self._stub.GetDeviceActionStatus, request)).action_info)

    async def _call(self, call: Callable[..., Awaitable[T]], request: object) -> T:
        """Once more after a token that is refused: it may have ended meanwhile."""
        try:
            try:
                return await self._ask(call, request)
            except aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                    raise
                return await self._ask(call, request, renew=True)
        except aio.AioRpcError as error:
            raise self._error(error) from error

    async def _ask(self, call: Callable[..., Awaitable[T]], request: object, *, renew: bool = False) -> T:
        metadata = (("authorization", f"Bearer {await self._sign_in.bearer(renew=renew)}"),)
        return await call(request, metadata=metadata, timeout=_TIMEOUT_S)

    def _error(self, error: aio.AioRpcError) -> CommandError:
        status, message = error.code(), error.details() or error.code().name
        code = dict(error.trailing_metadata() or ()).get("code")
        where = str(self._endpoint)
        if status is grpc.StatusCode.UNAVAILABLE and code is None:
            return Unreachable(f"nothing answers gRPC at {where}", "start it with `make up`, or name another --server")
        if status in _LATER:
            return Unreachable(message, "try again")
        word, number = str(code or status.name.lower()), _HTTP.get(status, 409)
        return Refused(number, word, message, next_step(word, number))


def _status(word: str) -> pb.DeviceStatus.ValueType:
    """Raises BadUsage."""
    names = [name for name in pb.DeviceStatus.keys() if name != "DEVICE_STATUS_UNSPECIFIED"]  # noqa: SIM118
    if word.upper() not in names:
        raise BadUsage(f'"{word}" is no status', f"write one of {', '.join(names)}")
    return pb.DeviceStatus.Value(word.upper())


def _device(device: pb.DeviceInfo) -> DeviceFacts:
    return DeviceFacts(
        id=device.device_id,
        name=device.device_name or None,
        type=device.device_type or None,
        status=pb.DeviceStatus.Name(device.status).lower(),
        registered_at=device.registered_at.ToDatetime(UTC),
        updated_at=device.last_updated.ToDatetime(UTC),
        current_action_id=device.current_action_id or None,
    )


def _action(action: pb.ActionInfo) -> ActionFacts:
    return ActionFacts(
        id=action.action_id,
        device_id=action.device_id,
        type=action.custom_type or pb.ActionType.Name(action.action_type).lower(),
        status=pb.ActionStatus.Name(action.status).lower(),
        initiated_at=action.initiated_at.ToDatetime(UTC),
        completed_at=action.completed_at.ToDatetime(UTC) if action.HasField("completed_at") else None,
        params=dict(action.action_params),
        error=action.error_message or None,
        progress=action.progress if action.HasField("progress") else None,
    )
