"""The clocks of update sessions."""

from ota_service.sessions.service import SessionService
from shared.http.scope import Scopes

_BATCH = 500


class Deadlines:
    """Ends what is past its deadline. Any number of workers may run it."""

    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        while await self._batch() == _BATCH:
            pass

    async def _batch(self) -> int:
        async with self._scopes() as scope:
            return await scope.get(SessionService).time_out(_BATCH)


class Soaks:
    """Completes what has proved itself for long enough. Any number of workers may run it."""

    SECONDS = 1.0

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        while await self._batch() == _BATCH:
            pass

    async def _batch(self) -> int:
        async with self._scopes() as scope:
            return await scope.get(SessionService).soak(_BATCH)
