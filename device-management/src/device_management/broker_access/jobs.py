"""The timer of broker access."""

from device_management.broker_access.service import ConnectionCloser
from device_management.devices.service import DeviceService
from shared.http.scope import Scopes


class Sweep:
    """Every 30 s: connections on revoked or expired tokens end, whatever became of the event."""

    SECONDS = 30.0

    def __init__(self, scopes: Scopes, closer: ConnectionCloser) -> None:
        self._scopes = scopes
        self._closer = closer

    async def __call__(self) -> None:
        async with self._scopes() as scope:
            await self._closer.sweep(scope.get(DeviceService).credentials)
