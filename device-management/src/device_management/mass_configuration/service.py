"""Use cases of mass configuration: start, look, pause, resume, cancel, retry, and the steps in between.

A job is frozen when it starts: its devices are items, and an item's outcome is that of the action which asked its
device. A step takes pending items while fewer than the job's concurrency are under way; its transaction asks the
devices and says so in the items, or neither.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from device_management.actions.schemas import BulkActionCreate
from device_management.actions.service import ActionService
from device_management.audit.schemas import Actor, Change
from device_management.audit.service import AuditService
from device_management.audit.states import ActorKind
from device_management.configuration.errors import ConfigurationTooLarge
from device_management.configuration.service import CHANGE, ConfigurationService
from device_management.devices.errors import DeviceNotFound
from device_management.groups.schemas import Selection
from device_management.groups.service import SelectionService
from device_management.mass_configuration.errors import (
    JobNotFound,
    NothingToRetry,
    WrongJobState,
)
from device_management.mass_configuration.events import state_event
from device_management.mass_configuration.models import ConfigurationJob, ConfigurationJobItem
from device_management.mass_configuration.schemas import (
    ItemOutcome,
    ItemRead,
    JobCreate,
    JobRead,
    Outcome,
    Progress,
    SiteStart,
    WorkflowStatus,
)
from device_management.mass_configuration.states import ItemState, JobKind, JobState, may_become, success
from device_management.mass_configuration.store import JobStore
from device_management.sites.schemas import SiteCreate
from device_management.sites.service import SiteService
from shared.clock import Clock
from shared.contracts.configuration import (
    ConfigurationJobCancelled,
    ConfigurationJobCompleted,
    ConfigurationJobPaused,
    ConfigurationJobProgressed,
    ConfigurationJobResumed,
    ConfigurationJobSnapshot,
    ConfigurationJobStarted,
    ConfigurationJobState,
)
from shared.errors import DomainError
from shared.http.pagination import Page, decode_cursor, encode_cursor, page_of
from shared.ids import Ids
from shared.sql.steps import carrying_on
from shared.sql.unit_of_work import UnitOfWork

CHUNK = 1_250
"""Devices that one step asks, if what they are asked is small."""

_STEP_BYTES = 16 * 1024 * 1024
"""Of the configuration, over all devices of a step: each has it in a command and in two events."""

BACKLOG = 20_000
"""Nobody is asked while more events than these wait for the relay: all news that is not urgent comes after them."""

_RELAY_CATCHES_UP_S = 0.25
_LOOK_AGAIN_S = 5.0
"""An outcome carries its job on at once; this is for one that nobody hears."""


class JobService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: JobStore,
        configurations: ConfigurationService,
        selections: SelectionService,
        actions: ActionService,
        sites: SiteService,
        audit: AuditService,
        *,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._configurations = configurations
        self._selections = selections
        self._actions = actions
        self._sites = sites
        self._audit = audit
        self._clock = clock
        self._ids = ids

    async def start(self, organization_id: int, body: JobCreate, *, by: Actor) -> JobRead:
        """Freezes the selection; workers do the rest. Raises BadQuery, QueryTooSlow and GroupNotFound."""
        target = body.model_dump(include={"rql", "group_id"}, exclude_none=True)
        job = self._new(organization_id, JobKind.CONFIGURATION, by, target=target, params=body.params)
        job.concurrency, job.deadline_s = body.concurrency, body.deadline_s
        await self._store.add(job)
        if body.device_uids is None:
            selection = Selection(rql=body.rql, group_id=body.group_id)
            await self._store.choose(job, await self._selections.condition(organization_id, selection))
        else:
            await self._name(job, list(dict.fromkeys(body.device_uids)))
        await self._begin(job)
        await self._record(job, "started", by)
        return await self._read(job)

    async def create_sites(self, organization_id: int, bodies: Sequence[SiteStart], *, by: Actor) -> JobRead:
        """A job that has ended when this returns, with an outcome for each site; no two of the same name."""
        job = self._new(organization_id, JobKind.SITES, by, target={}, params={})
        job.state, job.ended_at = JobState.COMPLETED, job.requested_at
        await self._store.add(job)
        items: list[ConfigurationJobItem] = []
        for body in bodies:
            reason = await self._create_site(organization_id, body, by=by)
            state = ItemState.SUCCEEDED if reason is None else ItemState.FAILED
            items.append(
                ConfigurationJobItem(
                    job_id=job.id,
                    name=body.siteName,
                    state=state,
                    attempts=1,
                    reason=reason,
                    updated_at=job.requested_at,
                )
            )
        await self._store.add_items(items)
        return await self._read(job)

    async def _create_site(self, organization_id: int, body: SiteStart, *, by: Actor) -> str | None:
        site = SiteCreate(name=body.siteName, **body.model_dump(exclude={"siteName"}))
        try:
            await self._sites.create(organization_id, by, site)
        except DomainError as error:
            return error.detail
        return None

    async def get(self, organization_id: int, job_id: UUID, *, run_id: UUID | None = None) -> JobRead:
        """Raises JobNotFound, also for a run that the job does not have (any more)."""
        job = await self._find(organization_id, job_id)
        if run_id not in {None, job.run_id}:
            raise JobNotFound
        return await self._read(job)

    async def page(self, organization_id: int, *, cursor: str | None, limit: int) -> Page[JobRead]:
        """The newest first. Raises BadCursor."""
        before = decode_cursor(cursor, datetime, UUID) if cursor is not None else None
        rows = await self._store.page(organization_id, before=before, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda job: (job.requested_at, job.id))
        counts = await self._store.counts([job.id for job in kept])
        return Page(items=[_job(job, counts[job.id]) for job in kept], next=following)

    async def items(
        self, organization_id: int, job_id: UUID, *, state: ItemState | None, cursor: str | None, limit: int
    ) -> Page[ItemRead]:
        """In the order of their names. Raises JobNotFound, BadCursor."""
        job = await self._find(organization_id, job_id)
        after = decode_cursor(cursor, str)[0] if cursor else ""
        rows = await self._store.items(job, state=state, after=after, limit=limit + 1)
        following = encode_cursor(rows[limit - 1].name) if len(rows) > limit else None
        return Page(items=[ItemRead.model_validate(row, from_attributes=True) for row in rows[:limit]], next=following)

    async def status(
        self, organization_id: int, job_id: UUID, *, run_id: UUID | None, cursor: str | None, limit: int
    ) -> WorkflowStatus:
        """A job with its items, in few words. Raises JobNotFound, BadCursor."""
        job = await self.get(organization_id, job_id, run_id=run_id)
        page = await self.items(organization_id, job_id, state=None, cursor=cursor, limit=limit)
        counts = job.counts
        progress = Progress(
            total=job.total,
            succeeded=counts[ItemState.SUCCEEDED],
            failed=counts[ItemState.FAILED],
            in_progress=counts[ItemState.DISPATCHED],
            pending=counts[ItemState.PENDING],
            cancelled=counts[ItemState.CANCELLED],
        )
        items = [
            ItemOutcome(name=item.name, success=success(item.state), state=item.state, reason=item.reason)
            for item in page.items
        ]
        return WorkflowStatus(
            workflowID=job.id,
            runID=job.run_id,
            kind=job.kind,
            status=job.state,
            progress=progress,
            items=items,
            next=page.next,
        )

    async def pause(self, organization_id: int, job_id: UUID, *, by: Actor) -> JobRead:
        """Nobody more is asked; who has been goes on. Raises JobNotFound, WrongJobState."""
        return await self._become(organization_id, job_id, JobState.PAUSED, ConfigurationJobPaused, by=by)

    async def resume(self, organization_id: int, job_id: UUID, *, by: Actor) -> JobRead:
        """Raises JobNotFound, WrongJobState."""
        job = await self._locked(organization_id, job_id)
        if job.state != JobState.PAUSED:
            raise WrongJobState(job.state, "resumed")
        await self._store.wake_workers()
        return await self._become(organization_id, job_id, JobState.RUNNING, ConfigurationJobResumed, by=by)

    async def cancel(self, organization_id: int, job_id: UUID, *, by: Actor) -> JobRead:
        """What has not begun will not; what has, ends by itself and is counted. Raises JobNotFound, WrongJobState."""
        job = await self._locked(organization_id, job_id)
        await self._store.move_items(job, present=ItemState.PENDING, to=ItemState.CANCELLED)
        return await self._become(organization_id, job_id, JobState.CANCELLED, ConfigurationJobCancelled, by=by)

    async def retry(self, organization_id: int, job_id: UUID, *, by: Actor) -> JobRead:
        """A new run of what has failed. Raises JobNotFound, WrongJobState, NothingToRetry."""
        job = await self._locked(organization_id, job_id)
        if job.kind != JobKind.CONFIGURATION or job.state not in {JobState.COMPLETED, JobState.CANCELLED}:
            raise WrongJobState(job.state, "retried")
        if not await self._store.move_items(job, present=ItemState.FAILED, to=ItemState.PENDING):
            raise NothingToRetry
        job = await self._store.change(job, JobState.RUNNING, run_id=self._ids.new(), stepped_at=self._clock.now())
        await self._begin(job)
        await self._record(job, "retried", by)
        return await self._read(job)

    async def step(self) -> bool:
        """Carries the job on that has waited longest. False when there is none to carry on now. Raises StepFailed."""
        job = await self._store.take_running()
        if job is None:
            return False
        job_id = job.id
        with carrying_on(job_id):
            await self._carry_on(job)
        return True

    async def put_off(self, subject: UUID, seconds: float) -> None:
        """Leaves a job aside for a while that could not be carried on."""
        await self._store.step_again_in(subject, seconds)

    async def _carry_on(self, job: ConfigurationJob) -> None:
        counts = (await self._store.counts([job.id]))[job.id]
        under_way, pending = counts[ItemState.DISPATCHED], counts[ItemState.PENDING]
        if pending == under_way == 0:
            await self._tell(ConfigurationJobCompleted, await self._store.change(job, JobState.COMPLETED))
            return
        held_back = await self._unit.outbox.is_longer_than(BACKLOG)
        fitting = _STEP_BYTES // len(msgspec.json.encode(job.params))
        free = 0 if held_back else min(CHUNK, fitting, job.concurrency - under_way)
        asked = await self._ask(job, free) if free > 0 and pending else 0
        if await self._store.has_moved(job):
            await self._tell(ConfigurationJobProgressed, await self._store.change(job, JobState(job.state)))
        wait = _RELAY_CATCHES_UP_S if held_back else _LOOK_AGAIN_S
        await self._store.step_again_in(job.id, 0 if asked else wait)

    async def tell_again(self, organization_id: int | None) -> None:
        """Tells the jobs that go on or ended within a day, for copies that lost them; None means everybody's."""
        for job in await self._store.lately(organization_id):
            await self._tell(ConfigurationJobSnapshot, job)

    async def hear(self, outcomes: Sequence[Outcome]) -> None:
        """How actions of items ended; an outcome that comes again changes nothing."""
        if outcomes:
            await self._store.end(sorted(outcomes, key=lambda outcome: (outcome.bulk_id, outcome.name)))

    async def _ask(self, job: ConfigurationJob, most: int) -> int:
        """Asks up to `most` pending devices to change, in one call; those that cannot be asked have failed."""
        pending = await self._store.pending(job, most)
        known = sorted(device_id for device_id in pending.values() if device_id is not None)
        full = await self._configurations.without_room(job.organization_id, known, job.params)
        items = {uid: device_id for uid, device_id in pending.items() if device_id not in full}
        if full:
            await self._store.refuse(job, pending.keys() - items.keys(), ConfigurationTooLarge.code)
        if items:
            await self._dispatch(job, items)
        return len(pending)

    async def _dispatch(self, job: ConfigurationJob, items: Mapping[str, int | None]) -> None:
        by = Actor(ActorKind.USER, job.requested_by)
        order = BulkActionCreate(
            type=CHANGE,
            params={"configuration": job.params},
            deadline_s=job.deadline_s,
            device_uids=list(items),
        )
        bulk = await self._actions.ask_many(job.organization_id, order, by=by)
        await self._store.dispatched(job, items, bulk.bulk_id)
        refused = {skipped.device_uid: skipped.reason for skipped in bulk.skipped}
        await self.hear([Outcome(bulk.bulk_id, uid, ItemState.FAILED, reason) for uid, reason in refused.items()])
        device_ids = [device_id for uid, device_id in items.items() if device_id is not None and uid not in refused]
        await self._configurations.set_on_all(job.organization_id, sorted(device_ids), job.params)

    async def _name(self, job: ConfigurationJob, uids: list[str]) -> None:
        """An item for each uid; one that is no device of the organization has failed from the beginning."""
        selection = Selection(references=uids)
        chosen = await self._selections.chosen(job.organization_id, selection, limit=len(uids))
        known = {device.device_uid: device.id for device in chosen}
        await self._store.add_items([_item(job, uid, known.get(uid)) for uid in uids])

    def _new(
        self,
        organization_id: int,
        kind: JobKind,
        by: Actor,
        *,
        target: Mapping[str, Any],
        params: Mapping[str, Any],
    ) -> ConfigurationJob:
        now = self._clock.now()
        return ConfigurationJob(
            id=self._ids.new(),
            run_id=self._ids.new(),
            organization_id=organization_id,
            kind=kind,
            target=dict(target),
            params=dict(params),
            concurrency=1,
            deadline_s=1,
            requested_by=by.id or by.kind,
            requested_at=now,
            updated_at=now,
            stepped_at=now,
        )

    async def _become(
        self,
        organization_id: int,
        job_id: UUID,
        target: JobState,
        event: type[ConfigurationJobState],
        *,
        by: Actor,
    ) -> JobRead:
        job = await self._locked(organization_id, job_id)
        if job.kind != JobKind.CONFIGURATION or not may_become(JobState(job.state), target):
            raise WrongJobState(job.state, target)
        changed = await self._store.change(job, target, stepped_at=self._clock.now())
        await self._tell(event, changed)
        await self._record(changed, target, by)
        return await self._read(changed)

    async def _begin(self, job: ConfigurationJob) -> None:
        await self._store.wake_workers()
        await self._tell(ConfigurationJobStarted, job)

    async def _locked(self, organization_id: int, job_id: UUID) -> ConfigurationJob:
        job = await self._store.find(organization_id, job_id, lock=True)
        if job is None:
            raise JobNotFound
        return job

    async def _find(self, organization_id: int, job_id: UUID) -> ConfigurationJob:
        job = await self._store.find(organization_id, job_id)
        if job is None:
            raise JobNotFound
        return job

    async def _tell(self, event: type[ConfigurationJobState], job: ConfigurationJob) -> None:
        counts = (await self._store.counts([job.id]))[job.id]
        self._unit.outbox.add(state_event(event, job, counts))

    async def _record(self, job: ConfigurationJob, action: str, by: Actor) -> None:
        after = {"target": job.target, "params": job.params}
        change = Change("configuration_job", str(job.id), action, before=None, after=after)
        await self._audit.record(job.organization_id, by, [change])

    async def _read(self, job: ConfigurationJob) -> JobRead:
        return _job(job, (await self._store.counts([job.id]))[job.id])


def _item(job: ConfigurationJob, uid: str, device_id: int | None) -> ConfigurationJobItem:
    item = ConfigurationJobItem(job_id=job.id, name=uid, device_id=device_id, updated_at=job.requested_at)
    if device_id is None:
        item.state, item.reason = ItemState.FAILED, DeviceNotFound.code
    return item


def _job(job: ConfigurationJob, counts: Mapping[ItemState, int]) -> JobRead:
    return JobRead.model_validate({**job.model_dump(), "total": sum(counts.values()), "counts": counts})
