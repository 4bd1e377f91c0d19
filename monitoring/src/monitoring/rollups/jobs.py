"""What rollups do by the clock."""

from monitoring.rollups.service import Roller
from shared.mongo.lease import Lease


class RollUp:
    """One worker at a time, which only spares work: without the lease the outcome would be the same."""

    def __init__(self, roller: Roller, lease: Lease) -> None:
        self._roller = roller
        self._lease = lease

    async def __call__(self) -> None:
        """Until it has caught up, or another has the lease."""
        while await self._lease.hold() and not await self._roller.roll():
            pass


class DropPastRollups:
    SECONDS = 3_600.0

    def __init__(self, roller: Roller) -> None:
        self._roller = roller

    async def __call__(self) -> None:
        await self._roller.drop_past()
