"""The timer of releases."""

from ota_service.waves.service import WaveService
from shared.http.scope import Scopes


class ReleaseSteps:
    """Any number of workers may run it: a release is stepped by one of them at a time."""

    SECONDS = 0.5

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self) -> None:
        """Steps, each a transaction of its own, until no release can go on now."""
        went_on = True
        while went_on:
            async with self._scopes() as scope:
                went_on = await scope.get(WaveService).step()
