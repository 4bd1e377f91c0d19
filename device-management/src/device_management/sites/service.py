"""Use cases of sites: managing them, and what the workers that keep their links need."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from device_management.audit.schemas import SYSTEM, Actor, Change
from device_management.audit.service import AuditService
from device_management.devices.models import Device
from device_management.devices.service import DeviceService
from device_management.sites.errors import SiteNameTaken, SiteNotFound, UnknownDevices
from device_management.sites.models import Site, SiteLink, Tally
from device_management.sites.rules import TopicTemplate
from device_management.sites.schemas import (
    DevicesMoved,
    LinkRead,
    SiteChange,
    SiteCreate,
    SiteDeviceRead,
    SiteDevices,
    SiteRead,
)
from device_management.sites.states import LinkState
from device_management.sites.store import SiteStore
from shared.clock import Clock
from shared.contracts.devices import DeviceChanged
from shared.http.pagination import Page, decode_cursor, page_of
from shared.http.preconditions import Expected
from shared.ids import Ids
from shared.sealing import Sealer

_AUDITED_DEVICES = 1_000
"""How many devices one entry of the audit log names."""


class SiteService:
    def __init__(
        self,
        store: SiteStore,
        devices: DeviceService,
        audit: AuditService,
        sealer: Sealer,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._devices = devices
        self._audit = audit
        self._sealer = sealer
        self._clock = clock
        self._ids = ids

    async def create(self, organization_id: int, who: Actor, body: SiteCreate) -> SiteRead:
        """Raises SiteNameTaken and UnacceptableTemplate."""
        TopicTemplate.parse(body.topic_template)
        now = self._clock.now()
        site = await self._store.add(
            Site(
                **body.model_dump(exclude={"password"}),
                organization_id=organization_id,
                password=self._sealed(body.password),
                client_id=f"muster-{self._ids.new().hex[:12]}",
                created_at=now,
                updated_at=now,
            )
        )
        if site is None:
            raise SiteNameTaken(body.name)
        await self._record(who, site, "created", after=_state(site))
        return await self._read(site)

    async def get(self, organization_id: int, site_id: int) -> SiteRead:
        """Raises SiteNotFound."""
        return await self._read(await self._find(organization_id, site_id))

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[SiteRead]:
        """In the order they were made."""
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.page(organization_id, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda site: (site.id,))
        return Page(items=await self._read_all(kept), next=following)

    async def change(
        self, organization_id: int, site_id: int, who: Actor, body: SiteChange, expected: Expected
    ) -> SiteRead:
        """The link starts anew. Raises SiteNotFound, Stale, SiteNameTaken and UnacceptableTemplate."""
        site = await self._locked(organization_id, site_id, expected)
        values: dict[str, Any] = body.model_dump(exclude_unset=True)
        if "topic_template" in values:
            TopicTemplate.parse(body.topic_template)
        if "password" in values:
            values["password"] = self._sealed(body.password)
        if "name" in values and await self._store.name_is_taken(organization_id, body.name, but=site_id):
            raise SiteNameTaken(body.name)
        before = _state(site)
        changed = await self._store.change(site, values)
        await self._record(who, changed, "changed", before=before, after=_state(changed))
        return await self._read(changed)

    async def remove(self, organization_id: int, site_id: int, who: Actor, expected: Expected) -> None:
        """Raises SiteNotFound and Stale. The devices that were there stay, without a site."""
        site = await self._locked(organization_id, site_id, expected)
        self._moved(await self._store.clear(site))
        await self._store.remove(site)
        await self._record(who, site, "removed", before=_state(site))

    async def devices(
        self, organization_id: int, site_id: int, *, cursor: str | None, limit: int
    ) -> Page[SiteDeviceRead]:
        """The devices heard at the site. Raises SiteNotFound."""
        site = await self._find(organization_id, site_id)
        after_id = decode_cursor(cursor, int)[0] if cursor else 0
        rows = await self._store.devices(site, after_id=after_id, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda device: (device.device_id,))
        items = [SiteDeviceRead.model_validate(device, from_attributes=True) for device in kept]
        return Page(items=items, next=following)

    async def place(self, organization_id: int, site_id: int, body: SiteDevices, *, who: Actor) -> DevicesMoved:
        """Devices are at this site from now on, and at no other: all of them or, with UnknownDevices, none.

        Raises SiteNotFound.
        """
        site = await self._find(organization_id, site_id, lock=True)
        ids = await self._known(organization_id, body)
        return await self._placed(site, "devices_placed", await self._store.place(site, ids), who)

    async def take_away(self, organization_id: int, site_id: int, body: SiteDevices, *, who: Actor) -> DevicesMoved:
        """Those of the devices that are at this site are at none any more. Raises SiteNotFound, UnknownDevices."""
        site = await self._find(organization_id, site_id, lock=True)
        ids = await self._known(organization_id, body)
        return await self._placed(site, "devices_taken_away", await self._store.clear(site, ids), who)

    async def hold(self, holder: str, *, lasting: timedelta, limit: int) -> Sequence[Site]:
        """For a worker: the enabled sites whose links it keeps until it asks again or `lasting` has passed."""
        return await self._store.hold(holder, lasting=lasting, limit=limit)

    async def release(self, holder: str, site_ids: Sequence[int]) -> None:
        await self._store.release(holder, site_ids)

    async def note(self, holder: str, site_id: int, state: LinkState, error: str | None, tally: Tally) -> None:
        await self._store.note(holder, site_id, state, error, tally)

    async def hear(self, site: Site, uids: Sequence[str]) -> set[str]:
        """Which of these devices the site may speak for: its organization's own, unless retired.

        One that is at no site yet is at this one from now on; where it is already it stays, until somebody moves it.
        """
        heard = await self._store.hear(site.organization_id, id_of(site), uids)
        moved = await self._store.place(site, list(heard), only_homeless=True)
        if moved:
            await self._placed(site, "devices_heard", moved, SYSTEM)
        return set(heard.values())

    async def _known(self, organization_id: int, body: SiteDevices) -> list[int]:
        """The ids of all that the body names. Raises UnknownDevices."""
        known = await self._store.known(organization_id, body.references())
        if unknown := [reference for reference in body.references() if reference not in known]:
            raise UnknownDevices(unknown)
        return list(known.values())

    async def _placed(self, site: Site, action: str, devices: Sequence[Device], who: Actor) -> DevicesMoved:
        uids = sorted(device.device_uid for device in devices)
        chunks = [uids[start : start + _AUDITED_DEVICES] for start in range(0, len(uids), _AUDITED_DEVICES)]
        changes = [Change("site", str(id_of(site)), action, before=None, after={"devices": chunk}) for chunk in chunks]
        await self._audit.record(site.organization_id, who, changes)
        self._moved(devices)
        return DevicesMoved(changed=len(devices))

    def _moved(self, devices: Sequence[Device]) -> None:
        self._devices.tell(DeviceChanged, devices)
        self._devices.changed(devices)

    async def _locked(self, organization_id: int, site_id: int, expected: Expected) -> Site:
        site = await self._find(organization_id, site_id, lock=True)
        expected.require(site.version)
        return site

    async def _record(
        self,
        who: Actor,
        site: Site,
        action: str,
        *,
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
    ) -> None:
        change = Change("site", str(id_of(site)), action, before=before, after=after)
        await self._audit.record(site.organization_id, who, [change])

    async def _find(self, organization_id: int, site_id: int, *, lock: bool = False) -> Site:
        site = await self._store.find(organization_id, site_id, lock=lock)
        if site is None:
            raise SiteNotFound
        return site

    def _sealed(self, password: str | None) -> bytes | None:
        return None if password is None else self._sealer.seal(password)

    async def _read(self, site: Site) -> SiteRead:
        return (await self._read_all([site]))[0]

    async def _read_all(self, sites: Sequence[Site]) -> list[SiteRead]:
        ids = [id_of(site) for site in sites]
        links, held = await self._store.links(ids), await self._store.held(ids)
        return [_shown(site, links[id_of(site)], held=id_of(site) in held) for site in sites]


def id_of(site: Site) -> int:
    assert site.id is not None  # noqa: S101 - it comes from the database
    return site.id


def template_of(site: Site) -> TopicTemplate:
    """Which topics of the site's broker carry telemetry."""
    return TopicTemplate.parse(site.topic_template)


def _state(site: Site) -> dict[str, Any]:
    """For the audit log, which blanks the password; sealed anew it differs, and so a change of it shows."""
    state = site.model_dump(exclude={"version", "created_at", "updated_at", "client_id"})
    return {**state, "password": None if site.password is None else site.password.decode()}


def _shown(site: Site, link: SiteLink, *, held: bool) -> SiteRead:
    """A link nobody keeps is not what its last worker said."""
    state = LinkState(link.state) if held else LinkState.WAITING
    shown = LinkRead(
        state=state if site.enabled else LinkState.DISABLED,
        error=link.error if held and site.enabled else None,
        changed_at=link.changed_at,
        last_message_at=link.last_message_at,
        forwarded=link.forwarded,
        unknown=link.unknown,
        refused=link.refused,
    )
    fields = site.model_dump(exclude={"password", "client_id"})
    return SiteRead(**fields, has_password=site.password is not None, link=shown)
