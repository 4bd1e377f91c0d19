"""What releases go on by: devices that the copy of the fleet has news of."""

from collections.abc import Sequence

from ota_service.waves.service import WaveService
from shared.http.scope import Scopes


class LateJoiners:
    """Takes devices that come to match into the releases that ask for it, as `fleet.consumers.Follows`."""

    def __init__(self, scopes: Scopes) -> None:
        self._scopes = scopes

    async def __call__(self, organization_id: int, uids: Sequence[str] | None) -> None:
        async with self._scopes() as scope:
            await scope.get(WaveService).join(organization_id, uids)
