"""The service's calls, served on a port, and clients of them."""

from collections.abc import AsyncIterator, Callable

import pytest
from grpc import aio

from device_management.device_calls.rpc import SERVICE_NAME, DeviceCalls
from shared.http.rate_limit import Rate, Rates
from shared.rpc.calls import Calls
from shared.rpc.device_management_pb2_grpc import DeviceManagementStub
from shared.rpc.server import serving

from ..actions.conftest import hear

__all__ = ["hear"]


@pytest.fixture
def serve(app):
    """Serves with limits; answers with the address."""

    def begin(*, per_second=0.0, batch_limit=100):
        rates = Rates(*(Rate(per_second) for _ in range(4)))
        calls = DeviceCalls(Calls(app.state.scopes, app.state.keys, rates), batch_limit=batch_limit)
        return serving("127.0.0.1:0", calls.add_to, names=[SERVICE_NAME], drain_seconds=0)

    return begin


@pytest.fixture
async def channel(serve) -> AsyncIterator[aio.Channel]:
    async with serve() as port, aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


@pytest.fixture
def stub(channel) -> DeviceManagementStub:
    return DeviceManagementStub(channel)


@pytest.fixture
def bearing() -> Callable[[str], tuple[tuple[str, str]]]:
    return lambda token: (("authorization", f"Bearer {token}"),)


@pytest.fixture
def mine(credentials, organizations, bearing):
    """The metadata of one who may read and write the devices of the own organization."""
    return bearing(credentials.person("devices:read", "devices:write", organization_id=organizations.own))
