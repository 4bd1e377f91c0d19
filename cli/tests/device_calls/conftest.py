"""The same platform in memory, over gRPC."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc import aio

from shared.rpc import device_management_pb2 as pb
from shared.rpc.device_management_pb2_grpc import DeviceManagementServicer, add_DeviceManagementServicer_to_server


class Office(DeviceManagementServicer):
    """Devices and one action that ends on its own, one step an answer. `refused` tokens are no good."""

    def __init__(self) -> None:
        self.devices: dict[str, pb.DeviceInfo] = {}
        self.action: pb.ActionInfo | None = None
        self.tokens: list[str] = []
        self.refused: set[str] = set()
        self.page = 2

    async def _let_in(self, context: Any) -> None:
        token = dict(context.invocation_metadata())["authorization"].removeprefix("Bearer ")
        self.tokens.append(token)
        if token in self.refused:
            await self._refuse(context, grpc.StatusCode.UNAUTHENTICATED, "invalid_token")

    async def _refuse(self, context: Any, status: grpc.StatusCode, code: str) -> None:
        await context.abort(status, code.replace("_", " "), (("code", code),))

    async def RegisterDevice(self, request: pb.RegisterDeviceRequest, context: Any) -> pb.RegisterDeviceResponse:  # noqa: N802
        await self._let_in(context)
        if request.device_id in self.devices:
            await self._refuse(context, grpc.StatusCode.ALREADY_EXISTS, "device_uid_taken")
        device = pb.DeviceInfo(device_id=request.device_id, device_name=request.device_name)
        device.device_type, device.status = request.device_type, request.initial_status
        self.devices[request.device_id] = device
        return pb.RegisterDeviceResponse(success=True, device_id=request.device_id)

    async def GetDeviceInfo(self, request: pb.GetDeviceInfoRequest, context: Any) -> pb.GetDeviceInfoResponse:  # noqa: N802
        await self._let_in(context)
        if request.device_id not in self.devices:
            await self._refuse(context, grpc.StatusCode.NOT_FOUND, "device_not_found")
        return pb.GetDeviceInfoResponse(device_info=self.devices[request.device_id])

    async def ListDevices(self, request: pb.ListDevicesRequest, context: Any) -> pb.ListDevicesResponse:  # noqa: N802
        await self._let_in(context)
        start = int(request.page_token or 0)
        found = list(self.devices.values())[start : start + self.page]
        more = str(start + self.page) if start + self.page < len(self.devices) else ""
        return pb.ListDevicesResponse(devices=found, next_page_token=more)

    async def SetDeviceStatus(self, request: pb.SetDeviceStatusRequest, context: Any) -> pb.SetDeviceStatusResponse:  # noqa: N802
        await self._let_in(context)
        device = self.devices[request.device_id]
        before, device.status = device.status, request.status
        return pb.SetDeviceStatusResponse(previous_status=before, current_status=device.status)

    async def InitiateDeviceAction(self, request: pb.InitiateDeviceActionRequest, context: Any) -> Any:  # noqa: N802
        await self._let_in(context)
        self.action = pb.ActionInfo(
            action_id="7", device_id=request.device_id, status=pb.PENDING, action_params=request.action_params
        )
        self.action.action_type, self.action.custom_type = request.action_type, request.custom_type
        return pb.InitiateDeviceActionResponse(action_id="7", action_status=pb.PENDING)

    async def GetDeviceActionStatus(self, request: pb.GetDeviceActionStatusRequest, context: Any) -> Any:  # noqa: N802
        await self._let_in(context)
        if self.action is None or request.action_id != self.action.action_id:
            await self._refuse(context, grpc.StatusCode.NOT_FOUND, "action_not_found")
        assert self.action is not None
        self.action.status = min(self.action.status + 1, pb.COMPLETED)
        return pb.GetDeviceActionStatusResponse(action_info=self.action)


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    there = Office()
    server = aio.server()
    add_DeviceManagementServicer_to_server(there, server)
    there.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield there
    await server.stop(0)


@pytest.fixture(params=["rest", "grpc"])
def words(request, muster, office):
    """`words("list")`: the command, by either transport, in a thread of its own as the servers are in this one."""

    async def run(*arguments: str):
        server = ("--server", office.address) if request.param == "grpc" else ()
        return await asyncio.to_thread(muster, "--transport", request.param, *server, *arguments)

    return run
