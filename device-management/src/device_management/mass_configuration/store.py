"""Every query about jobs. What people do takes the organization."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import ColumnElement, func, literal, or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.devices.models import Device, present_in
from device_management.mass_configuration.models import ConfigurationJob, ConfigurationJobItem
from device_management.mass_configuration.schemas import Outcome
from device_management.mass_configuration.states import ItemState, JobKind, JobState
from shared.sql.models import UtcDateTime

JOBS_CHANNEL = "configuration_jobs"

_NOW = func.clock_timestamp()

_END = text(
    """
    with ended as (
        select item.job_id, item.name, told.state, told.reason
        from unnest(
            cast(:bulk_ids as bigint[]), cast(:names as text[]), cast(:states as text[]), cast(:reasons as text[])
        ) as told(bulk_id, name, state, reason)
        cross join lateral (
            select job_id, name from configuration_job_items
            where bulk_id = told.bulk_id and name = told.name and state = 'dispatched'
            limit 1 for update
        ) as item
    ), moved as (
        update configuration_job_items as item
        set state = ended.state, reason = ended.reason, updated_at = clock_timestamp()
        from ended where item.job_id = ended.job_id and item.name = ended.name
        returning item.job_id
    )
    update configuration_jobs set stepped_at = clock_timestamp() where id in (select job_id from moved)
    """
)
"""Item by item by its index: how many are dispatched changes faster than what the planner knows of it, and by its guess
a join compares every outcome with every item.
"""

_DISPATCHED = text(
    """
    update configuration_job_items
    set state = 'dispatched', bulk_id = :bulk_id, attempts = attempts + 1, updated_at = clock_timestamp()
    where job_id = :job_id and name = any(cast(:names as text[]))
    """
)


class JobStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: ConfigurationJob) -> None:
        self._session.add(job)
        await self._session.flush()

    async def choose(self, job: ConfigurationJob, conditions: Sequence[ColumnElement[bool]]) -> None:
        """Freezes the selection: an item for each device of the organization that the conditions find now."""
        devices = sqlalchemy.select(
            literal(job.id), col(Device.device_uid), col(Device.id), literal(str(ItemState.PENDING)), literal(0)
        ).where(present_in(job.organization_id), *conditions)
        await self._session.execute(
            insert(ConfigurationJobItem).from_select(["job_id", "name", "device_id", "state", "attempts"], devices)
        )

    async def add_items(self, items: Sequence[ConfigurationJobItem]) -> None:
        if items:
            values = [item.model_dump() for item in items]
            await self._session.execute(insert(ConfigurationJobItem), values)

    async def find(self, organization_id: int, job_id: UUID, *, lock: bool = False) -> ConfigurationJob | None:
        query = select(ConfigurationJob).where(
            ConfigurationJob.id == job_id, ConfigurationJob.organization_id == organization_id
        )
        query = query.execution_options(populate_existing=True)
        return (await self._session.scalars(query.with_for_update() if lock else query)).one_or_none()

    async def page(
        self, organization_id: int, *, before: tuple[Any, UUID] | None, limit: int
    ) -> Sequence[ConfigurationJob]:
        """The newest first."""
        key = sqlalchemy.tuple_(col(ConfigurationJob.requested_at), col(ConfigurationJob.id))
        query = select(ConfigurationJob).where(ConfigurationJob.organization_id == organization_id)
        if before is not None:
            query = query.where(key < sqlalchemy.tuple_(*map(literal, before)))
        query = query.order_by(col(ConfigurationJob.requested_at).desc(), col(ConfigurationJob.id).desc())
        return (await self._session.scalars(query.limit(limit))).all()

    async def counts(self, job_ids: Sequence[UUID]) -> dict[UUID, dict[ItemState, int]]:
        """How many items of each job are in each state."""
        query = (
            sqlalchemy.select(col(ConfigurationJobItem.job_id), col(ConfigurationJobItem.state), func.count())
            .where(col(ConfigurationJobItem.job_id).in_(job_ids))
            .group_by(col(ConfigurationJobItem.job_id), col(ConfigurationJobItem.state))
        )
        counts: dict[UUID, dict[ItemState, int]] = {job_id: dict.fromkeys(ItemState, 0) for job_id in job_ids}
        for job_id, state, number in await self._session.execute(query):
            counts[job_id][ItemState(state)] = number
        return counts

    async def items(
        self, job: ConfigurationJob, *, state: ItemState | None, after: str, limit: int
    ) -> Sequence[ConfigurationJobItem]:
        """In the order of their names."""
        query = select(ConfigurationJobItem).where(
            ConfigurationJobItem.job_id == job.id, col(ConfigurationJobItem.name) > after
        )
        if state is not None:
            query = query.where(ConfigurationJobItem.state == state)
        return (await self._session.scalars(query.order_by(col(ConfigurationJobItem.name)).limit(limit))).all()

    async def change(self, job: ConfigurationJob, state: JobState, **values: Any) -> ConfigurationJob:
        """A job that this transaction has locked, in a new state."""
        ended = state in {JobState.COMPLETED, JobState.CANCELLED}
        query = (
            update(ConfigurationJob)
            .where(col(ConfigurationJob.id) == job.id)
            .values(
                state=state,
                version=ConfigurationJob.version + 1,
                updated_at=_NOW,
                ended_at=_NOW if ended else None,
                **values,
            )
            .returning(ConfigurationJob)
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).one()

    async def move_items(self, job: ConfigurationJob, *, present: ItemState, to: ItemState) -> int:
        """Every item of the job in one state, to another; answers how many."""
        query = (
            update(ConfigurationJobItem)
            .where(col(ConfigurationJobItem.job_id) == job.id, col(ConfigurationJobItem.state) == present)
            .values(state=to, reason=None, bulk_id=None, updated_at=_NOW)
            .returning(col(ConfigurationJobItem.name))
        )
        return len((await self._session.scalars(query)).all())

    async def take_running(self) -> ConfigurationJob | None:
        """The running job that has waited longest, locked; those of other workers are left to them."""
        query = (
            select(ConfigurationJob)
            .where(ConfigurationJob.state == JobState.RUNNING, ConfigurationJob.stepped_at < _NOW)
            .order_by(col(ConfigurationJob.stepped_at))
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def has_moved(self, job: ConfigurationJob) -> bool:
        """Whether an item has changed since the job last told of itself, which was a second ago or more."""
        last = sqlalchemy.select(func.max(ConfigurationJobItem.updated_at)).where(
            col(ConfigurationJobItem.job_id) == job.id
        )
        told = literal(job.updated_at, UtcDateTime)
        query = sqlalchemy.select((told <= _NOW - timedelta(seconds=1)) & (last.scalar_subquery() > told))
        return bool((await self._session.execute(query)).scalar())

    async def lately(self, organization_id: int | None) -> Sequence[ConfigurationJob]:
        """Jobs that are not over, and those that ended within a day; None means of all organizations."""
        query = select(ConfigurationJob).where(
            ConfigurationJob.kind == JobKind.CONFIGURATION,
            or_(
                col(ConfigurationJob.ended_at).is_(None),
                col(ConfigurationJob.ended_at) >= _NOW - timedelta(days=1),
            ),
        )
        if organization_id is not None:
            query = query.where(ConfigurationJob.organization_id == organization_id)
        return (await self._session.scalars(query)).all()

    async def wake_workers(self) -> None:
        """At the commit workers look for a job to carry on; without it they would within a moment."""
        await self._session.execute(sqlalchemy.select(func.pg_notify(JOBS_CHANNEL, "")))

    async def step_again_in(self, job_id: UUID, seconds: float) -> None:
        later = _NOW + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        await self._session.execute(
            update(ConfigurationJob).where(col(ConfigurationJob.id) == job_id).values(stepped_at=later)
        )

    async def pending(self, job: ConfigurationJob, limit: int) -> dict[str, int | None]:
        """The next devices to ask by their uids: the id of each, None when it was no device when the job started."""
        query = (
            select(ConfigurationJobItem.name, ConfigurationJobItem.device_id)
            .where(ConfigurationJobItem.job_id == job.id, ConfigurationJobItem.state == ItemState.PENDING)
            .order_by(col(ConfigurationJobItem.name))
            .limit(limit)
        )
        return dict(map(tuple, await self._session.execute(query)))

    async def dispatched(self, job: ConfigurationJob, names: Collection[str], bulk_id: int) -> None:
        """These items' devices have been asked."""
        await self._session.execute(_DISPATCHED, {"job_id": job.id, "bulk_id": bulk_id, "names": list(names)})

    async def refuse(self, job: ConfigurationJob, names: Collection[str], reason: str) -> None:
        """These items' devices are not asked."""
        await self._session.execute(
            update(ConfigurationJobItem)
            .where(col(ConfigurationJobItem.job_id) == job.id, col(ConfigurationJobItem.name).in_(names))
            .values(state=ItemState.FAILED, reason=reason, attempts=ConfigurationJobItem.attempts + 1, updated_at=_NOW)
            .execution_options(synchronize_session=False)
        )

    async def end(self, outcomes: Sequence[Outcome]) -> None:
        """How items ended, in one statement; those that have ended stay as they are. Their jobs go on at once."""
        await self._session.execute(
            _END,
            {
                "bulk_ids": [outcome.bulk_id for outcome in outcomes],
                "names": [outcome.name for outcome in outcomes],
                "states": [str(outcome.state) for outcome in outcomes],
                "reasons": [outcome.reason for outcome in outcomes],
            },
        )
