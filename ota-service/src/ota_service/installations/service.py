"""Use cases of installations: what devices have, and what updates bring them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from ota_service.installations.schemas import Brought, Installed
from ota_service.installations.store import InstallationStore

OnDevice = Mapping[str, Installed]
"""By the name of the firmware."""


class InstallationService:
    def __init__(self, store: InstallationStore) -> None:
        self._store = store

    async def of(self, organization_id: int, uids: Collection[str]) -> Mapping[str, OnDevice]:
        """What updates have brought onto each of these devices, by uid."""
        found: defaultdict[str, dict[str, Installed]] = defaultdict(dict)
        for one in await self._store.of(organization_id, uids):
            found[one.device_uid][one.firmware_name] = Installed(
                one.firmware_id, one.version, one.release_counter, one.confirmed_id
            )
        return found

    async def record(self, brought: Sequence[Brought]) -> None:
        """Keeps what sessions have put on devices; each pair of device and firmware name at most once.

        Idempotent, and what comes late changes nothing.
        """
        if brought:
            await self._store.record(brought)
