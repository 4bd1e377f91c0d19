"""Use cases of device tokens. Nobody stores one: a row knows the generations that are good."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from device_management.audit.schemas import SYSTEM, Actor, Change
from device_management.audit.service import AuditService
from device_management.device_tokens.models import Credential
from device_management.device_tokens.schemas import DeviceTokenRead, RotatedTokenRead
from device_management.device_tokens.store import DeviceTokenStore
from device_management.devices.errors import DeviceNotFound
from device_management.devices.models import Device
from device_management.devices.service import DeviceService
from shared.clock import Clock
from shared.ids import Ids
from shared.tokens import Audience, Claims, TokenSigner

_AT_ONCE = 100


class DeviceTokenService:
    def __init__(
        self,
        store: DeviceTokenStore,
        devices: DeviceService,
        audit: AuditService,
        *,
        signer: TokenSigner,
        lifetime: timedelta,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._devices = devices
        self._audit = audit
        self._signer = signer
        self._lifetime = lifetime
        self._clock = clock
        self._ids = ids

    async def issue(self, organization_id: int, reference: str) -> DeviceTokenRead:
        """A token with which the device logs in to the broker. Raises DeviceNotFound, DeviceIsRetired.

        Those of before stay good until they expire. Nobody knows which of them a connection was made with; so that none
        outlives its token, this one is of a generation of its own, and the expiry of the others ends their generations.
        """
        device = await self._devices.in_service(organization_id, reference)
        assert device.id is not None  # noqa: S101 - it comes from the database
        generation = await self._store.follow(organization_id, device.id)
        return await self._sign(device, device.newest_token_generation if generation is None else generation)

    async def rotate(self, organization_id: int, reference: str, *, overlap: timedelta, by: Actor) -> RotatedTokenRead:
        """A token of a new generation; those of before stay good for `overlap`.

        Each rotation keeps its own promise: a later one does not lengthen it. Raises DeviceNotFound, DeviceIsRetired.
        """
        device = await self._devices.in_service(organization_id, reference)
        assert device.id is not None  # noqa: S101 - it comes from the database
        rotation = await self._store.begin(organization_id, device.id, overlap)
        after = {"generation": rotation.generation, "previous_until": rotation.due_at}
        await self._audit.record(organization_id, by, [Change("device", str(device.id), "token_rotated", after=after)])
        issued = await self._sign(device, rotation.generation)
        return RotatedTokenRead(**issued.model_dump(), previous_until=rotation.due_at)

    async def revoke(self, organization_id: int, reference: str, *, by: Actor) -> None:
        """Refuses every token of the device from now on and ends its connections. Raises DeviceNotFound."""
        await self._devices.refuse_tokens(organization_id, reference, by=by)

    async def end_overlaps(self) -> bool:
        """Ends the next overlaps that are over; whether there were any. A purge has ended those of its device."""
        rotations = await self._store.take_due(_AT_ONCE)
        for rotation in rotations:
            with suppress(DeviceNotFound):
                await self._devices.refuse_tokens(
                    rotation.organization_id, str(rotation.device_id), below=rotation.generation, by=SYSTEM
                )
        return bool(rotations)

    async def credential(self, uid: str) -> Credential | None:
        """What decides whether a token of this device is good; read from the database, never from the cache."""
        return await self._store.credential(uid)

    async def credentials(self, uids: Sequence[str]) -> list[Credential]:
        return await self._store.credentials(uids)

    async def _sign(self, device: Device, generation: int) -> DeviceTokenRead:
        now = self._clock.now()
        expires_at = now + self._lifetime
        await self._store.note_expiry(device.id, expires_at)
        claims = Claims(
            subject=device.device_uid,
            organization_id=device.organization_id,
            audience=Audience.DEVICE,
            token_id=str(self._ids.new()),
            not_before=now,
            expires_at=expires_at,
            generation=generation,
        )
        return DeviceTokenRead(device_uid=device.device_uid, token=self._signer.sign(claims), expires_at=expires_at)
