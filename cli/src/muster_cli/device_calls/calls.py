"""The calls, as a command makes them, and the two ways in which they can go."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from muster_cli.client import MusterClient
from muster_cli.connection import Connection
from muster_cli.device_calls.facts import ActionFacts, DeviceFacts, StatusFacts
from muster_cli.device_calls.over_grpc import GrpcCalls
from muster_cli.device_calls.over_rest import RestCalls


class DeviceCalls(Protocol):
    """Every call raises Refused, or Unreachable when trying later may help."""

    async def register(self, uid: str, *, name: str | None, kind: str | None, status: str) -> str:
        """Returns the uid."""
        ...

    def devices(self) -> AsyncIterator[DeviceFacts]:
        """The organization's devices, oldest first."""
        ...

    async def device(self, uid: str) -> DeviceFacts: ...

    async def set_status(self, uid: str, status: str) -> StatusFacts: ...

    async def initiate(self, uid: str, kind: str, params: Mapping[str, str]) -> ActionFacts: ...

    async def action(self, action_id: str) -> ActionFacts: ...


@asynccontextmanager
async def open_calls(connection: Connection) -> AsyncGenerator[DeviceCalls]:
    """Raises BadUsage when it is not known who signs in."""
    if connection.transport == "grpc":
        async with GrpcCalls.open(connection) as calls:
            yield calls
    else:
        async with MusterClient.open(connection.server, connection.sign_in()) as client:
            yield RestCalls(client)
