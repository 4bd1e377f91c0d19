"""Every query about sites. What belongs to a tenant takes the organization; the links are the workers' own."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Text, cast, delete, func, literal, or_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import Device, present_in, referred_to
from device_management.devices.states import ENDED
from device_management.sites.models import HeardDevice, Site, SiteDevice, SiteLink, Tally
from device_management.sites.states import LinkState
from shared.contracts.devices import PURGED

_NOW = func.clock_timestamp()


class SiteStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, site: Site) -> Site | None:
        """The stored site with its link; None when its name is taken."""
        query = (
            insert(Site)
            .values(site.model_dump(exclude={"id"}))
            .on_conflict_do_nothing(index_elements=["organization_id", "name"])
            .returning(Site)
        )
        stored = (await self._session.scalars(query)).one_or_none()
        if stored is not None:
            await self._session.execute(insert(SiteLink).values(site_id=stored.id, changed_at=_NOW))
        return stored

    async def find(self, organization_id: int, site_id: int, *, lock: bool = False) -> Site | None:
        query = select(Site).where(Site.id == site_id, Site.organization_id == organization_id)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def page(self, organization_id: int, *, after_id: int, limit: int) -> Sequence[Site]:
        query = select(Site).where(Site.organization_id == organization_id, col(Site.id) > after_id)
        return (await self._session.scalars(query.order_by(col(Site.id)).limit(limit))).all()

    async def links(self, site_ids: Sequence[int]) -> dict[int, SiteLink]:
        """As they are now: a link whose worker is gone waits for another."""
        query = select(SiteLink).where(col(SiteLink.site_id).in_(site_ids))
        query = query.execution_options(populate_existing=True)
        return {link.site_id: link for link in await self._session.scalars(query)}

    async def held(self, site_ids: Sequence[int]) -> set[int]:
        query = select(SiteLink.site_id).where(col(SiteLink.site_id).in_(site_ids), col(SiteLink.held_until) > _NOW)
        return set(await self._session.scalars(query))

    async def name_is_taken(self, organization_id: int, name: str, *, but: int) -> bool:
        query = select(Site.id).where(Site.organization_id == organization_id, Site.name == name, col(Site.id) != but)
        return (await self._session.scalars(query)).first() is not None

    async def change(self, site: Site, values: Mapping[str, Any]) -> Site:
        """A new version of a site that this transaction has locked."""
        query = (
            update(Site)
            .where(col(Site.id) == site.id)
            .values(**values, version=Site.version + 1, updated_at=func.now())
            .returning(Site)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def remove(self, site: Site) -> None:
        await self._session.execute(delete(Site).where(col(Site.id) == site.id))

    async def devices(self, site: Site, *, after_id: int, limit: int) -> list[HeardDevice]:
        query = (
            sqlalchemy.select(
                col(Device.id), col(Device.device_uid), col(SiteDevice.first_heard_at), col(SiteDevice.last_heard_at)
            )
            .join(SiteDevice, col(SiteDevice.device_id) == Device.id)
            .where(col(SiteDevice.site_id) == site.id, col(Device.id) > after_id, col(Device.lifecycle) != PURGED)
            .order_by(col(Device.id))
            .limit(limit)
        )
        return [HeardDevice(*row) for row in await self._session.execute(query)]

    async def hold(self, holder: str, *, lasting: timedelta, limit: int) -> Sequence[Site]:
        """Takes or renews up to `limit` leases on enabled sites, own ones first, and returns their sites."""
        free = or_(col(SiteLink.held_until).is_(None), col(SiteLink.held_until) < _NOW)
        own = col(SiteLink.holder) == holder
        wanted = (
            sqlalchemy.select(col(SiteLink.site_id))
            .join(Site, col(Site.id) == SiteLink.site_id)
            .where(col(Site.enabled), or_(own, free))
            .order_by(own.desc().nulls_last(), col(SiteLink.site_id))
            .limit(limit)
            .with_for_update(of=SiteLink, skip_locked=True)
            .cte("wanted")
        )
        renewed = (
            update(SiteLink)
            .where(col(SiteLink.site_id) == wanted.c.site_id)
            .values(holder=holder, held_until=_NOW + lasting)
            .returning(col(SiteLink.site_id))
            .execution_options(synchronize_session=False)
        )
        ids = (await self._session.scalars(renewed)).all()
        return (await self._session.scalars(select(Site).where(col(Site.id).in_(ids)))).all()

    async def release(self, holder: str, site_ids: Sequence[int]) -> None:
        """Lets others take these sites at once."""
        await self._session.execute(
            update(SiteLink)
            .where(col(SiteLink.site_id).in_(site_ids), col(SiteLink.holder) == holder)
            .values(holder=None, held_until=None, state=LinkState.WAITING, error=None, changed_at=_NOW)
        )

    async def note(self, holder: str, site_id: int, state: LinkState, error: str | None, tally: Tally) -> None:
        """What the holder says of its link; who does not hold it (any more) changes nothing."""
        heard = tally.forwarded + tally.unknown + tally.refused > 0
        same = (col(SiteLink.state) == state) & (col(SiteLink.error).is_not_distinct_from(error))
        await self._session.execute(
            update(SiteLink)
            .where(col(SiteLink.site_id) == site_id, col(SiteLink.holder) == holder)
            .values(
                state=state,
                error=error,
                changed_at=sqlalchemy.case((same, col(SiteLink.changed_at)), else_=_NOW),
                last_message_at=_NOW if heard else col(SiteLink.last_message_at),
                forwarded=SiteLink.forwarded + tally.forwarded,
                unknown=SiteLink.unknown + tally.unknown,
                refused=SiteLink.refused + tally.refused,
            )
        )

    async def known(self, organization_id: int, references: Sequence[str]) -> dict[str, int]:
        """The ids of those of the devices that are there, by each uid and each id, as text."""
        query = sqlalchemy.select(col(Device.id), col(Device.device_uid))
        rows = (await self._session.execute(query.where(present_in(organization_id), referred_to(references)))).all()
        return {name: row.id for row in rows for name in (row.device_uid, str(row.id))}

    async def place(self, site: Site, device_ids: Sequence[int], *, only_homeless: bool = False) -> Sequence[Device]:
        """The next versions of those that were not at this site, or with `only_homeless` at none."""
        elsewhere = col(Device.site_id).is_(None) if only_homeless else col(Device.site_id).is_distinct_from(site.id)
        return await self._move(site.id, col(Device.id) == func.any(_ids(device_ids)), elsewhere)

    async def clear(self, site: Site, device_ids: Sequence[int] | None = None) -> Sequence[Device]:
        """The next versions of those devices, or of all, that were at this site."""
        among = [] if device_ids is None else [col(Device.id) == func.any(_ids(device_ids))]
        return await self._move(None, col(Device.site_id) == site.id, *among)

    async def _move(self, site_id: int | None, *where: ColumnElement[bool]) -> Sequence[Device]:
        """Locks them in the order of their ids, as all do that lock several."""
        chosen = sqlalchemy.select(col(Device.id)).where(col(Device.lifecycle) != PURGED, *where)
        query = (
            update(Device)
            .where(col(Device.id).in_(chosen.order_by(col(Device.id)).with_for_update(key_share=True)))
            .values(site_id=site_id, version=Device.version + 1, revision=Device.revision + 1, updated_at=func.now())
            .returning(Device)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).all()

    async def hear(self, organization_id: int, site_id: int, uids: Sequence[str]) -> dict[int, str]:
        """Which of these are devices of the organization that may speak, by id; they are noted as heard at the site."""
        known = (
            sqlalchemy.select(literal(site_id, BigInteger), col(Device.id), col(Device.organization_id), _NOW, _NOW)
            .where(
                col(Device.organization_id) == organization_id,
                col(Device.device_uid) == func.any(cast(list(uids), ARRAY(Text))),
                col(Device.lifecycle).not_in(ENDED),
            )
            .order_by(col(Device.id))
        )
        noted = (
            insert(SiteDevice)
            .from_select(["site_id", "device_id", "organization_id", "first_heard_at", "last_heard_at"], known)
            .on_conflict_do_update(index_elements=["site_id", "device_id"], set_={"last_heard_at": _NOW})
            .returning(col(SiteDevice.device_id))
        )
        ids = (await self._session.scalars(noted)).all()
        known_by = sqlalchemy.select(col(Device.id), col(Device.device_uid)).where(col(Device.id).in_(ids))
        return {row.id: row.device_uid for row in await self._session.execute(known_by)}


def _ids(ids: Sequence[int]) -> ColumnElement[Any]:
    return cast(list(ids), ARRAY(BigInteger))
