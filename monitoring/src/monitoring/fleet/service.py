"""Use cases of the copy of the fleet."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol

from monitoring.fleet.errors import DeviceNotFound, DeviceTokenRevoked
from monitoring.fleet.models import Device
from monitoring.fleet.store import FleetStore
from shared.contracts.devices import PURGED, DeviceState

_PAGE = 500
_OVER = frozenset({"retired", "purged"})
"""Lifecycles in which a device speaks no more."""


class Newcomers(Protocol):
    """Whoever holds something back until the copy knows the device it belongs to."""

    async def attribute(self, uids: Sequence[str]) -> None:
        """These devices are known now. Called again for the same ones, so it must be idempotent."""
        ...


class FleetService:
    """`remembered` bounds the organizations held in memory; one never changes, so what is held is never stale."""

    def __init__(self, store: FleetStore, *, newcomers: Newcomers | None = None, remembered: int = 100_000) -> None:
        self._store = store
        self._newcomers = newcomers
        self._remembered = remembered
        self._organizations: dict[str, int] = {}

    async def follow(self, states: Sequence[DeviceState]) -> None:
        """Takes over the newest state of each device; one that is not newer than the copy's changes nothing."""
        newest: dict[str, DeviceState] = {}
        for state in sorted(states, key=lambda state: state.version):
            newest[state.device_uid] = state
        await self._store.put_newer([_copy(state) for state in newest.values()])
        if self._newcomers is not None:
            await self._newcomers.attribute(list(newest))

    async def get(self, organization_id: int, uid: str) -> Device:
        """Raises DeviceNotFound, also for another organization's device and for a purged one."""
        device = await self._store.find(uid)
        if device is None or device.organization_id != organization_id or device.lifecycle == PURGED:
            raise DeviceNotFound
        return device

    async def require_all(self, organization_id: int, uids: Sequence[str]) -> None:
        """Raises DeviceNotFound unless every one is the organization's."""
        organizations = await self.organizations(uids)
        if any(organizations.get(uid) != organization_id for uid in uids):
            raise DeviceNotFound

    async def organizations(self, uids: Iterable[str]) -> dict[str, int]:
        """The organization of each device that the copy knows."""
        found: dict[str, int] = {}
        unknown: list[str] = []
        for uid in set(uids):
            organization_id = self._organizations.get(uid)
            if organization_id is None:
                unknown.append(uid)
            else:
                found[uid] = organization_id
        if unknown:
            for device in await self._store.find_all(unknown):
                found[device.uid] = device.organization_id
                self._remember(device.uid, device.organization_id)
        return found

    async def pages(self, organization_id: int, *, after: str = "") -> AsyncIterator[list[str]]:
        """The organization's uids in order, beginning behind `after`, some hundreds at a time."""
        while page := await self._store.uids(organization_id, after=after, limit=_PAGE):
            yield page
            if len(page) < _PAGE:
                return
            after = page[-1]

    async def admit(self, uid: str, generation: int | None) -> None:
        """Lets a device's verified token in. Raises DeviceTokenRevoked.

        A device that the copy does not know yet is let in: nobody can have revoked a token the copy has not heard of.
        """
        device = await self._store.find(uid)
        if device is not None and (generation or 0) < device.min_token_generation:
            raise DeviceTokenRevoked

    async def admit_gateway(self, organization_id: int, uid: str) -> None:
        """Lets a gateway speak for a device. Raises DeviceNotFound unless the copy knows it as the organization's."""
        if (await self.get(organization_id, uid)).lifecycle in _OVER:
            raise DeviceNotFound

    def _remember(self, uid: str, organization_id: int) -> None:
        while len(self._organizations) >= self._remembered:
            del self._organizations[next(iter(self._organizations))]
        self._organizations[uid] = organization_id


def _copy(state: DeviceState) -> Device:
    return Device(
        uid=state.device_uid,
        organization_id=state.organization_id,
        lifecycle=state.lifecycle,
        min_token_generation=state.min_token_generation,
        version=state.version,
    )
