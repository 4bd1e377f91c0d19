"""Use cases of devices: register, read, list, and their tokens."""

from collections.abc import Sequence
from datetime import timedelta

from device_management.devices.cache import Answer, DeviceCache, Entry
from device_management.devices.errors import DeviceNotFound, DeviceRetired, DeviceUidTaken, UnacceptableUid
from device_management.devices.events import state_event
from device_management.devices.models import Credential, Device, Presence
from device_management.devices.rules import shown_status, uid_problem
from device_management.devices.schemas import DeviceCreate, DeviceRead, DeviceTokenRead
from device_management.devices.states import Lifecycle
from device_management.devices.store import DeviceStore
from device_management.organizations.errors import OrganizationNotFound
from shared.clock import Clock
from shared.contracts.devices import DeviceRegistered, DeviceTokenRevoked
from shared.contracts.presence import PresenceState
from shared.http.pagination import Page, decode_cursor, page_of
from shared.ids import Ids
from shared.sql.unit_of_work import UnitOfWork
from shared.tokens import Audience, Claims, TokenSigner


class DeviceService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: DeviceStore,
        cache: DeviceCache,
        *,
        signer: TokenSigner,
        token_lifetime: timedelta,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._cache = cache
        self._signer = signer
        self._token_lifetime = token_lifetime
        self._clock = clock
        self._ids = ids

    async def register(self, organization_id: int, body: DeviceCreate) -> DeviceRead:
        """Raises OrganizationNotFound, UnacceptableUid and DeviceUidTaken."""
        if body.organization_id not in {None, organization_id}:
            raise OrganizationNotFound
        uid = body.device_uid or f"dev-{self._ids.new().hex[:12]}"
        if (reason := uid_problem(uid)) is not None:
            raise UnacceptableUid(reason)
        now = self._clock.now()
        device = await self._store.add(
            Device(
                **body.model_dump(exclude={"device_uid", "organization_id", "status"}),
                organization_id=organization_id,
                device_uid=uid,
                reported_status=body.status,
                registered_at=now,
                updated_at=now,
            )
        )
        if device is None:
            raise DeviceUidTaken(uid)
        self._unit.outbox.add(state_event(DeviceRegistered, device))
        return read(device)

    async def get(self, organization_id: int, reference: str) -> Answer:
        """One DeviceRead as JSON, by id or uid, at most 5 s older than the last change. Raises DeviceNotFound."""
        cached = await self._cache.get(organization_id, reference)
        if cached is not None:
            return cached
        read_at = await self._cache.time_ms()
        device = await self._find(organization_id, reference)
        entry = _entry(device)
        if read_at is not None:
            await self._cache.fill(entry, read_at)
        return entry.answer()

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[DeviceRead]:
        """Devices in the order of their registration."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(organization_id, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda device: (device.id,))
        return Page(items=[read(device) for device in kept], next=following)

    async def issue_token(self, organization_id: int, reference: str) -> DeviceTokenRead:
        """A token with which the device logs in to the broker. Raises DeviceNotFound, DeviceRetired."""
        device = await self._find(organization_id, reference)
        if device.lifecycle == Lifecycle.RETIRED:
            raise DeviceRetired
        now = self._clock.now()
        expires_at = now + self._token_lifetime
        await self._store.note_token_expiry(device, expires_at)
        claims = Claims(
            subject=device.device_uid,
            organization_id=organization_id,
            audience=Audience.DEVICE,
            token_id=str(self._ids.new()),
            not_before=now,
            expires_at=expires_at,
            generation=device.min_token_generation,
        )
        return DeviceTokenRead(device_uid=device.device_uid, token=self._signer.sign(claims), expires_at=expires_at)

    async def revoke_tokens(self, organization_id: int, reference: str) -> None:
        """Refuses every token of the device from now on and ends its connections. Raises DeviceNotFound."""
        device = await self._store.revoke_tokens(await self._find(organization_id, reference))
        self._unit.outbox.add(state_event(DeviceTokenRevoked, device))
        self._changed([device])

    async def take_presence(self, news: Sequence[PresenceState]) -> None:
        """Takes over what monitoring says; of several about one device the newest, and an older one changes nothing.

        What waits for a device that connected is sent.
        """
        self._unit.outbox.devices_connected(item.device_uid for item in news if item.online)
        newest: dict[str, Presence] = {}
        for item in sorted(news, key=lambda state: state.version):
            newest[item.device_uid] = Presence(item.device_uid, item.online, item.version)
        self._changed(await self._store.apply_presence(list(newest.values())))

    async def credential(self, uid: str) -> Credential | None:
        """What decides whether a token of this device is good; read from the database, never from the cache."""
        return await self._store.credential(uid)

    async def credentials(self, uids: Sequence[str]) -> list[Credential]:
        return await self._store.credentials(uids)

    async def _find(self, organization_id: int, reference: str) -> Device:
        device = await self._store.find(organization_id, reference)
        if device is None:
            raise DeviceNotFound
        return device

    def _changed(self, devices: Sequence[Device]) -> None:
        entries = [_entry(device) for device in devices]

        async def forget() -> None:
            await self._cache.forget(entries)

        if entries:
            self._unit.after_commit(forget)


def read(device: Device) -> DeviceRead:
    status = shown_status(lifecycle=device.lifecycle, online=device.online, reported=device.reported_status)
    return DeviceRead.model_validate({**device.model_dump(), "status": status})


def _entry(device: Device) -> Entry:
    return Entry(
        organization_id=device.organization_id,
        references=(str(device.id), device.device_uid),
        revision=device.revision,
        etag=f'"{device.version}"',
        body=read(device).model_dump_json().encode(),
    )
