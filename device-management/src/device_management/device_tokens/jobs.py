"""The timer that ends overlaps, in every worker."""

from device_management.device_tokens.service import DeviceTokenService
from shared.http.scope import Scopes


class TokenRotations:
    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """One transaction for some, until none is due."""
        while await self._step():
            pass

    async def _step(self) -> bool:
        async with self._scopes() as scope:
            return await scope.get(DeviceTokenService).end_overlaps()
