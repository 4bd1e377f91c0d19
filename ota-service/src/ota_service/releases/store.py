"""Every query about releases. What people ask for takes the organization."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ARRAY, BigInteger, ColumnElement, Integer, Text, case, func, literal, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col, select

from ota_service.batches.models import UpdateBatch
from ota_service.fleet.models import FleetDevice, present_in
from ota_service.fleet.states import RETIRED
from ota_service.releases.models import (
    Release,
    ReleaseApp,
    ReleaseChange,
    ReleaseCluster,
    ReleaseDevice,
    ReleaseName,
    ReleaseWave,
    Slot,
    Tally,
)
from ota_service.releases.states import ReleaseState
from ota_service.sessions.models import IS_OPEN, SessionEnd, UpdateSession
from ota_service.sessions.states import FINAL, SessionState
from shared.rql.errors import QueryTooSlow
from shared.sql.time_limit import time_limit

_SELECTING_S = 20.0
_NOW = func.clock_timestamp()

Conditions = Mapping[int, Sequence[ColumnElement[bool]]]
"""By the number of a selection: what holds of its devices."""


class ReleaseStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rows: Sequence[SQLModel]) -> None:
        """In one statement; each has its id afterwards."""
        self._session.add_all(rows)
        await self._session.flush()

    async def name(self, release: Release, entities: Sequence[tuple[str, str]]) -> list[str]:
        """Takes these names, each a kind and a slug, for the release; answers those that are taken already.

        In their order, so that two releases never wait for each other in a circle.
        """
        values = [
            {"organization_id": release.organization_id, "kind": kind, "slug": slug, "release_id": release.id}
            for kind, slug in sorted(entities)
        ]
        query = (
            insert(ReleaseName)
            .values(values)
            .on_conflict_do_nothing()
            .returning(col(ReleaseName.kind), col(ReleaseName.slug))
        )
        new = {(row.kind, row.slug) for row in await self._session.execute(query)}
        return [f"{kind}:{slug}" for kind, slug in entities if (kind, slug) not in new]

    async def taken(self, organization_id: int, entities: Sequence[tuple[str, str]]) -> list[str]:
        """Those of these names that something has."""
        key = sa.tuple_(col(ReleaseName.kind), col(ReleaseName.slug))
        query = sa.select(col(ReleaseName.kind), col(ReleaseName.slug)).where(
            col(ReleaseName.organization_id) == organization_id, key.in_(entities)
        )
        return [f"{row.kind}:{row.slug}" for row in await self._session.execute(query)]

    async def freeze(self, release: Release, conditions: Conditions, slots: Sequence[Slot]) -> None:
        """Writes down which devices take part, in which cluster. Raises QueryTooSlow."""
        members = _members(release.organization_id, release.slug, conditions, slots).subquery()
        chosen = sa.select(literal(release.id, BigInteger), members.c.device_uid, members.c.cluster)
        query = insert(ReleaseDevice).from_select(["release_id", "device_uid", "cluster_id"], chosen)
        async with time_limit(self._session, _SELECTING_S, otherwise=QueryTooSlow()):
            await self._session.execute(query)
        await self._count(release)

    async def dry(
        self, organization_id: int, slug: str, conditions: Conditions, slots: Sequence[Slot]
    ) -> list[tuple[int, str | None, int]]:
        """How many devices `freeze` would find: by cluster, and by what is in the way of updating them now."""
        members = _members(organization_id, slug, conditions, slots).subquery()
        updating = sa.exists(
            sa.select(1)
            .select_from(UpdateSession)
            .where(col(UpdateSession.device_uid) == members.c.device_uid, IS_OPEN)
        )
        fits = sa.or_(members.c.hardware.is_(None), col(FleetDevice.hardware_version) == func.any(members.c.hardware))
        obstacle = case(
            (col(FleetDevice.lifecycle) == RETIRED, "retired"),
            (col(FleetDevice.updates_enabled).is_(False), "updates_disabled"),
            (fits.is_not(True), "hardware_mismatch"),
            (updating, "update_open"),
        ).label("obstacle")
        query = (
            sa.select(members.c.cluster, obstacle, func.count())
            .join(FleetDevice, col(FleetDevice.device_uid) == members.c.device_uid)
            .group_by(members.c.cluster, obstacle)
        )
        async with time_limit(self._session, _SELECTING_S, otherwise=QueryTooSlow()):
            found = await self._session.execute(query)
        return [(cluster, reason, count) for cluster, reason, count in found]

    async def join(
        self, release: Release, conditions: Conditions, clusters: Mapping[int, int], *, among: Sequence[str] | None
    ) -> int:
        """Adds the devices that match by now, each to the cluster that `clusters` has for its selection.

        Of these devices, or of all. Answers how many. Raises QueryTooSlow, after which the transaction can go on.
        """
        if among is not None:
            conditions = {
                source: [*where, col(FleetDevice.device_uid).in_(among)] for source, where in conditions.items()
            }
        slots = [Slot(cluster, source, 0, 100) for source, cluster in clusters.items()]
        members = _members(release.organization_id, release.slug, conditions, slots).subquery()
        known = sa.select(1).where(
            col(ReleaseDevice.release_id) == release.id, col(ReleaseDevice.device_uid) == members.c.device_uid
        )
        chosen = sa.select(literal(release.id, BigInteger), members.c.device_uid, members.c.cluster).where(
            ~sa.exists(known.select_from(ReleaseDevice))
        )
        query = (
            insert(ReleaseDevice)
            .from_select(["release_id", "device_uid", "cluster_id"], chosen)
            .on_conflict_do_nothing()
            .returning(col(ReleaseDevice.device_uid))
        )
        async with (
            self._session.begin_nested(),
            time_limit(self._session, _SELECTING_S, otherwise=QueryTooSlow()),
        ):
            joined = len((await self._session.scalars(query)).all())
        if joined:
            await self._count(release)
        return joined

    async def _count(self, release: Release) -> None:
        counted = (
            sa.select(col(ReleaseDevice.cluster_id), func.count().label("devices"))
            .where(col(ReleaseDevice.release_id) == release.id)
            .group_by(col(ReleaseDevice.cluster_id))
            .subquery()
        )
        await self._session.execute(
            update(ReleaseCluster)
            .where(col(ReleaseCluster.id) == counted.c.cluster_id)
            .values(devices=counted.c.devices)
            .execution_options(synchronize_session=False)
        )

    async def find(self, organization_id: int, slug: str, *, lock: bool = False) -> Release | None:
        query = select(Release).where(Release.organization_id == organization_id, Release.slug == slug)
        query = query.execution_options(populate_existing=True)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def find_entity(self, organization_id: int, kind: str, slug: str) -> Release | None:
        """The release that it is a part of."""
        query = (
            select(Release)
            .join(ReleaseName, col(ReleaseName.release_id) == Release.id)
            .where(
                ReleaseName.organization_id == organization_id,
                ReleaseName.kind == kind,
                ReleaseName.slug == slug,
            )
        )
        return (await self._session.scalars(query)).one_or_none()

    async def lately(self, organization_id: int) -> Sequence[Release]:
        """The organization's releases that are not over, and those that ended within a day."""
        lately = func.clock_timestamp() - timedelta(days=1)
        query = select(Release).where(
            Release.organization_id == organization_id,
            sa.or_(col(Release.ended_at).is_(None), col(Release.ended_at) >= lately),
        )
        return (await self._session.scalars(query)).all()

    async def page(
        self, organization_id: int, *, state: ReleaseState | None, before: int, limit: int
    ) -> Sequence[Release]:
        """The newest first."""
        query = select(Release).where(Release.organization_id == organization_id, col(Release.id) < before)
        if state is not None:
            query = query.where(Release.state == state)
        return (await self._session.scalars(query.order_by(col(Release.id).desc()).limit(limit))).all()

    async def parts(
        self, release_ids: Sequence[int]
    ) -> tuple[Sequence[ReleaseWave], Sequence[ReleaseCluster], Sequence[ReleaseApp]]:
        """Everything below these releases, in order."""
        fresh = {"populate_existing": True}
        waves = select(ReleaseWave).where(col(ReleaseWave.release_id).in_(release_ids))
        clusters = select(ReleaseCluster).where(col(ReleaseCluster.release_id).in_(release_ids))
        apps = (
            select(ReleaseApp)
            .join(ReleaseCluster, col(ReleaseCluster.id) == ReleaseApp.cluster_id)
            .where(col(ReleaseCluster.release_id).in_(release_ids))
        )
        return (
            (await self._session.scalars(waves.order_by(col(ReleaseWave.position)), execution_options=fresh)).all(),
            (
                await self._session.scalars(clusters.order_by(col(ReleaseCluster.position)), execution_options=fresh)
            ).all(),
            (await self._session.scalars(apps.order_by(col(ReleaseApp.position)))).all(),
        )

    async def tallies(self, batch_ids: Sequence[int]) -> dict[int, Tally]:
        """How far these batches are, with the updates that have ended and that a batch has not heard of yet.

        All of it as of one moment. What timed out in a maintenance window may have another turn: its batch decides.
        """
        unheard = (
            sa.select(
                col(SessionEnd.batch_id),
                *(
                    func.sum(SessionEnd.sessions).filter(col(SessionEnd.state) == state).label(state)
                    for state in sorted(FINAL)
                ),
            )
            .where(col(SessionEnd.batch_id).in_(batch_ids))
            .group_by(col(SessionEnd.batch_id))
            .subquery()
        )
        query = (
            sa.select(UpdateBatch, *(unheard.c[state] for state in sorted(FINAL)))
            .outerjoin(unheard, unheard.c.batch_id == UpdateBatch.id)
            .where(col(UpdateBatch.id).in_(batch_ids))
        )
        rows = await self._session.execute(query, execution_options={"populate_existing": True})
        return {
            batch.id or 0: _tally(
                batch, {state: int(count or 0) for state, count in zip(sorted(FINAL), ended, strict=True)}
            )
            for batch, *ended in rows
        }

    async def batches(self, release: Release) -> Sequence[int]:
        """The batches that carry it out."""
        query = select(ReleaseCluster.batch_id).where(ReleaseCluster.release_id == release.id)
        return [batch_id for batch_id in await self._session.scalars(query) if batch_id is not None]

    async def change(self, release: Release, state: ReleaseState, **values: Any) -> Release:
        """A release that this transaction has locked, with a version and in a state of its own."""
        query = (
            update(Release)
            .where(col(Release.id) == release.id)
            .values(state=state, version=Release.version + 1, updated_at=_NOW, stepped_at=_NOW, **values)
            .returning(Release)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).one()

    async def note(self, change: ReleaseChange) -> None:
        values = change.model_dump(exclude={"id", "at"})
        await self._session.execute(insert(ReleaseChange).values(**values, at=_NOW))

    async def changes(self, release: Release) -> Sequence[ReleaseChange]:
        query = select(ReleaseChange).where(ReleaseChange.release_id == release.id)
        return (await self._session.scalars(query.order_by(col(ReleaseChange.version)))).all()

    async def put_off(self, release: Release, *, paused_at: Any) -> None:
        """Moves the times of its open waves by as long as it has been paused: a pause is no time of a wave.

        One that had lasted too long has no longest time any more: somebody lets it go on all the same.
        """
        paused = literal(paused_at, sa.DateTime(timezone=True))
        lasted = _NOW - paused
        most = func.make_interval(0, 0, 0, 0, 0, 0, ReleaseWave.max_s)
        over = sa.and_(col(ReleaseWave.failed_at).is_not(None), ReleaseWave.opened_at + most <= paused)
        await self._session.execute(
            update(ReleaseWave)
            .where(col(ReleaseWave.release_id) == release.id, col(ReleaseWave.opened_at).is_not(None))
            .values(
                opened_at=ReleaseWave.opened_at + lasted,
                met_at=ReleaseWave.met_at + lasted,
                failed_at=None,
                max_s=case((over, sa.null()), else_=col(ReleaseWave.max_s)),
            )
            .execution_options(synchronize_session=False)
        )

    async def forgive(self, forgiven: Mapping[int, int]) -> None:
        """How many devices of each of these waves count against its gate no more."""
        for wave_id, devices in forgiven.items():
            await self._session.execute(
                update(ReleaseWave)
                .where(col(ReleaseWave.id) == wave_id)
                .values(forgiven=devices)
                .execution_options(synchronize_session=False)
            )

    async def now(self) -> Any:
        """The database's clock."""
        return (await self._session.execute(sa.select(_NOW))).scalar_one()


def _tally(batch: UpdateBatch, unheard: Mapping[SessionState, int]) -> Tally:
    """What a batch has counted, and what it has not heard of yet."""
    succeeded, cancelled = unheard[SessionState.COMPLETED], unheard[SessionState.CANCELLED]
    failed = unheard[SessionState.FAILED] + (unheard[SessionState.TIMED_OUT] if batch.window is None else 0)
    return Tally(
        devices=batch.pending + batch.initiated + batch.succeeded + batch.failed + batch.skipped + batch.cancelled,
        initiated=batch.initiated - succeeded - failed - cancelled,
        succeeded=batch.succeeded + succeeded,
        failed=batch.failed + failed,
        skipped=batch.skipped,
        cancelled=batch.cancelled + cancelled,
    )


def _members(
    organization_id: int, salt: str, conditions: Conditions, slots: Sequence[Slot]
) -> sa.Select[str, int, Sequence[str]]:
    """Uid, cluster and that cluster's hardware (null: any), of every device that takes part.

    A device that several selections find belongs to the first. The order of a selection is that of md5 over the
    release's slug and the uid, so that the same devices come to the same wave, here and in any other program.
    """
    found = sa.union_all(
        *(
            sa.select(col(FleetDevice.device_uid), literal(source, Integer).label("source")).where(
                present_in(organization_id), *where
            )
            for source, where in conditions.items()
        )
    ).subquery()
    first = (
        sa.select(found.c.device_uid, func.min(found.c.source).label("source")).group_by(found.c.device_uid).subquery()
    )
    order = func.md5(literal(f"{salt}/", Text) + first.c.device_uid), first.c.device_uid
    ranked = sa.select(
        first.c.device_uid,
        first.c.source,
        func.row_number().over(partition_by=first.c.source, order_by=order).label("rank"),
        func.count().over(partition_by=first.c.source).label("total"),
    ).subquery()
    slot = (
        sa.values(
            sa.column("cluster", BigInteger),
            sa.column("source", Integer),
            sa.column("begins", Integer),
            sa.column("ends", Integer),
            sa.column("hardware", ARRAY(Text)),
            name="slot",
        )
        .data([(one.cluster, one.source, one.begins, one.ends, one.hardware) for one in slots])
        .alias("slot")
    )
    # Where no bundle asks for hardware the column holds nulls alone, which PostgreSQL takes for text.
    hardware = sa.cast(slot.c.hardware, ARRAY(Text)).label("hardware")
    return sa.select(ranked.c.device_uid, slot.c.cluster, hardware).join(
        slot,
        sa.and_(
            slot.c.source == ranked.c.source,
            ranked.c.rank > _share(ranked.c.total, slot.c.begins),
            ranked.c.rank <= _share(ranked.c.total, slot.c.ends),
        ),
    )


def _share(total: ColumnElement[int], percent: ColumnElement[int]) -> ColumnElement[int]:
    """So many percent, rounded up: the smallest part has a device as long as there is one."""
    return (total * percent + 99) // 100
