"""Use cases of batches: make one, look, start, cancel, retry, and what those need who carry it on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement

from ota_service.batches.errors import BatchNotFound, BatchOfRelease, BatchTooLarge, NothingToRetry, WrongBatchState
from ota_service.batches.events import become_event, state_event
from ota_service.batches.models import BatchDevice, UpdateBatch
from ota_service.batches.rules import DETAILS
from ota_service.batches.schemas import (
    BatchCreate,
    BatchDetail,
    BatchDeviceRead,
    BatchPlan,
    BatchPreview,
    BatchRead,
    Counts,
    Moved,
    SkippedDevice,
)
from ota_service.batches.states import ENDED, BatchState, DeviceState, may_become
from ota_service.batches.store import BatchStore
from ota_service.firmware.models import Firmware
from ota_service.firmware.service import FirmwareService
from ota_service.fleet.schemas import Selection
from ota_service.fleet.service import SelectionService
from ota_service.sessions.schemas import Terms
from shared.contracts.batches import BatchCreated, BatchProgressed, BatchSnapshot
from shared.http.pagination import Page, decode_cursor, encode_cursor, page_of
from shared.sql.unit_of_work import UnitOfWork

CHUNK = 5_000
"""Devices that one statement takes in."""

_SAMPLE = 20
_TELLING = timedelta(seconds=1)
"""How far apart the news of a batch's progress are."""


class BatchService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: BatchStore,
        firmware: FirmwareService,
        selections: SelectionService,
        *,
        limit: int,
    ) -> None:
        self._unit = unit
        self._store = store
        self._firmware = firmware
        self._selections = selections
        self._limit = limit

    async def order(self, organization_id: int, by: str, body: BatchCreate) -> BatchRead:
        """As `create`, for people."""
        return await self.create(organization_id, by, await self._plan(organization_id, body))

    async def create(self, organization_id: int, by: str, plan: BatchPlan) -> BatchRead:
        """Makes a batch and takes the first devices in; workers take in the others, and begin.

        Raises FirmwareNotFound, FirmwareNotApproved, GroupNotFound, BadQuery, QueryTooSlow, BatchTooLarge.
        """
        images = await self._images(organization_id, plan.terms.firmware_ids)
        await self._check_size(organization_id, plan)
        now = await self._store.now()
        batch = await self._store.add(
            UpdateBatch(
                organization_id=organization_id,
                name=plan.name,
                target=_target(plan.selection),
                chosen_to="",
                terms=asdict(plan.terms),
                start_at=plan.start_at,
                concurrency=plan.concurrency,
                per_site=plan.per_site,
                window=plan.window and plan.window.model_dump(mode="json"),
                held=plan.held,
                release_ref=plan.release_ref,
                release=plan.release,
                wave=plan.wave,
                requested_by=by,
                **_born(now),
            )
        )
        if plan.selection.uids is None:
            batch = await self._choose(batch, images)
        else:
            moved = await self._name(batch, images, plan.selection.uids)
            batch = await self._store.change(batch, {"chosen_to": None}, moved)
        self._unit.outbox.add(state_event(BatchCreated, batch))
        return read(batch)

    async def preview(self, organization_id: int, body: BatchCreate) -> BatchPreview:
        """What `create` would come to now; nothing is written. Raises as `create`."""
        plan = await self._plan(organization_id, body)
        images = await self._images(organization_id, plan.terms.firmware_ids)
        await self._check_size(organization_id, plan)
        where = await self._selections.conditions(organization_id, plan.selection)
        counts, known = await self._store.preview(organization_id, images, where, sample=_SAMPLE)
        unknown = await self._store.unknown(organization_id, plan.selection.uids or [])
        skipped = {reason: count for reason, count in counts.items() if reason is not None}
        if unknown:
            skipped["device_not_found"] = len(unknown)
        sample = [*known, *((reference, "device_not_found") for reference in unknown[:_SAMPLE])]
        return BatchPreview(
            total=sum(counts.values()) + len(unknown),
            pending=counts.get(None, 0),
            skipped=skipped,
            sample=[SkippedDevice(device_uid=uid, reason=why, detail=DETAILS.get(why)) for uid, why in sample],
        )

    async def get(self, organization_id: int, batch_id: int, *, limit: int) -> BatchDetail:
        """With the first of its devices. Raises BatchNotFound."""
        batch = await self._find(organization_id, batch_id)
        devices = await self._devices(batch, state=None, cursor=None, limit=limit)
        rollback = await self._store.rollback_of(organization_id, batch_id)
        return BatchDetail(**read(batch).model_dump(), rolled_back_by=rollback and rollback.id, devices=devices)

    async def page(
        self, organization_id: int, *, state: BatchState | None, cursor: str | None, limit: int
    ) -> Page[BatchRead]:
        """The newest first; without those of releases. Raises BadCursor."""
        before = decode_cursor(cursor, int)[0] if cursor else 2**63 - 1
        rows = await self._store.page(organization_id, state=state, before=before, limit=limit + 1)
        kept, following = page_of(rows, limit, lambda batch: (batch.id,))
        return Page(items=[read(batch) for batch in kept], next=following)

    async def devices(
        self, organization_id: int, batch_id: int, *, state: DeviceState | None, cursor: str | None, limit: int
    ) -> Page[BatchDeviceRead]:
        """In the order of their uids. Raises BatchNotFound, BadCursor."""
        batch = await self._find(organization_id, batch_id)
        return await self._devices(batch, state=state, cursor=cursor, limit=limit)

    async def counts(self, organization_id: int, batch_ids: Collection[int]) -> Mapping[int, Counts]:
        """Of those batches that the organization has, in one statement."""
        return await self._store.counts(organization_id, batch_ids)

    async def start(self, organization_id: int, batch_id: int, *, release_ref: str | None = None) -> BatchRead:
        """A scheduled batch begins now. Raises BatchNotFound, BatchOfRelease, WrongBatchState."""
        batch = await self._lock(organization_id, batch_id, release_ref)
        if batch.state != BatchState.PENDING:
            raise WrongBatchState(batch.state, "started")
        return read(await self._wake(batch, start_at=None))

    async def hold(self, organization_id: int, batch_id: int, *, release_ref: str | None = None) -> BatchRead:
        """Opens nothing more until it is let go; what is open goes on. Raises BatchNotFound, BatchOfRelease."""
        return read(await self._wake(await self._lock(organization_id, batch_id, release_ref), held=True))

    async def go(self, organization_id: int, batch_id: int, *, release_ref: str | None = None) -> BatchRead:
        """Raises BatchNotFound, BatchOfRelease."""
        return read(await self._wake(await self._lock(organization_id, batch_id, release_ref), held=False))

    async def cancel(self, organization_id: int, batch_id: int, *, release_ref: str | None = None) -> BatchRead:
        """What has not begun will not, and open sessions are cancelled; cancelling again changes nothing.

        Raises BatchNotFound, BatchOfRelease, WrongBatchState.
        """
        batch = await self._lock(organization_id, batch_id, release_ref)
        if batch.state == BatchState.CANCELLED:
            return read(batch)
        if not may_become(BatchState(batch.state), BatchState.CANCELLED):
            raise WrongBatchState(batch.state, "cancelled")
        moved = await self._store.move(batch, DeviceState.PENDING, DeviceState.CANCELLED, reason="batch_cancelled")
        batch = await self._store.change(batch, {"chosen_to": None}, moved)
        return read(await self.become(batch, BatchState.CANCELLED))

    async def retry_failed(self, organization_id: int, batch_id: int, *, release_ref: str | None = None) -> BatchRead:
        """Those that failed have their turn again. Raises BatchNotFound, BatchOfRelease, NothingToRetry."""
        batch = await self._lock(organization_id, batch_id, release_ref)
        moved = await self._store.move(batch, DeviceState.FAILED, DeviceState.PENDING, reason=None)
        if not moved[DeviceState.PENDING]:
            raise NothingToRetry
        return read(await self._reopen(await self._store.change(batch, {}, moved)))

    async def rollback(
        self, organization_id: int, batch_id: int, by: str, *, release_ref: str | None = None
    ) -> BatchRead:
        """Takes the batch back: another one, of exactly the devices that have what it brought, to what each ran before.

        What is under way is cancelled, and the devices are chosen once all of it has ended. Again, it is the same one.
        Raises BatchNotFound, BatchOfRelease, WrongBatchState.
        """
        batch = await self._lock(organization_id, batch_id, release_ref)
        if (known := await self._store.rollback_of(organization_id, batch_id)) is not None:
            return read(known)
        if batch.started_at is None:
            raise WrongBatchState(batch.state, "rolled back")
        if batch.state not in ENDED:
            await self.cancel(organization_id, batch_id, release_ref=release_ref)
        now = await self._store.now()
        taking_back = UpdateBatch(
            organization_id=organization_id,
            name=f"Rollback of {batch.name}"[:200],
            target={},
            chosen_to="",
            terms={**asdict(Terms(())), "deadline_s": batch.terms["deadline_s"], "force": True},
            concurrency=batch.concurrency,
            per_site=batch.per_site,
            window=batch.window,
            release_ref=release_ref,
            release=batch.release,
            rollback_of=batch.id,
            requested_by=by,
            **_born(now),
        )
        taking_back = await self._store.add(taking_back)
        self._unit.outbox.add(state_event(BatchCreated, taking_back))
        return read(taking_back)

    async def add(
        self, organization_id: int, batch_id: int, uids: Sequence[str], *, release_ref: str | None = None
    ) -> BatchRead:
        """More devices for a batch that was not cancelled; those that are in it stay what they are.

        Raises BatchNotFound, BatchOfRelease, WrongBatchState, and as `create` for its firmware.
        """
        batch = await self._lock(organization_id, batch_id, release_ref)
        if batch.state == BatchState.CANCELLED:
            raise WrongBatchState(batch.state, "added to")
        moved = await self._name(batch, await self._images(organization_id, terms_of(batch).firmware_ids), uids)
        return read(await self._reopen(await self._store.change(batch, {}, moved)))

    async def choose_more(self, batch: UpdateBatch) -> UpdateBatch | None:
        """For a worker: takes in the next devices of a locked batch. None while what it takes back is under way."""
        if batch.rollback_of is None:
            images = await self._images(batch.organization_id, terms_of(batch).firmware_ids)
            return await self._choose(batch, images)
        if (await self._find(batch.organization_id, batch.rollback_of)).initiated:
            return None
        chosen = await self._store.choose_touched(batch, after=batch.chosen_to or "", limit=CHUNK)
        last = chosen.last if chosen.devices == CHUNK else None
        return await self._store.change(batch, {"chosen_to": last}, chosen.moved)

    async def become(self, batch: UpdateBatch, state: BatchState) -> UpdateBatch:
        """A locked batch in a new state, with its event; a worker looks at it next."""
        now = await self._store.now()
        values = {
            "state": state,
            "version": batch.version + 1,
            "started_at": batch.started_at or (now if state == BatchState.IN_PROGRESS else None),
            "updated_at": now,
            "ended_at": now if state in ENDED else None,
            "told_at": now,
            "untold": False,
            "next_step_at": now,
        }
        batch = await self._store.change(batch, values)
        self._unit.outbox.add(become_event(batch))
        return batch

    async def tell_again(self, organization_id: int) -> None:
        """Tells the batches that go on or ended within a day, for copies that lost them."""
        for batch in await self._store.lately(organization_id):
            self._unit.outbox.add(state_event(BatchSnapshot, batch))

    async def settle(self, batch: UpdateBatch, moved: Moved, *, next_step_at: datetime | None) -> UpdateBatch:
        """For a worker: a locked batch after a step, which tells of its progress at most once a second."""
        now = await self._store.now()
        values: dict[str, Any] = {"stepped_at": now, "next_step_at": next_step_at}
        if not (any(moved.values()) or batch.untold):
            return await self._store.change(batch, values)
        due = batch.told_at + _TELLING
        if due > now:
            values |= {"untold": True, "updated_at": now, "next_step_at": min(next_step_at or due, due)}
            return await self._store.change(batch, values, moved)
        values |= {"untold": False, "updated_at": now, "told_at": now, "version": batch.version + 1}
        batch = await self._store.change(batch, values, moved)
        self._unit.outbox.add(state_event(BatchProgressed, batch))
        return batch

    async def _plan(self, organization_id: int, body: BatchCreate) -> BatchPlan:
        """Raises GroupNotFound."""
        group_id = None if body.group is None else await self._selections.group(organization_id, body.group)
        uids = None if body.device_ids is None else list(dict.fromkeys(map(str, body.device_ids)))
        return BatchPlan(
            name=body.name,
            terms=body.terms(),
            selection=Selection(uids=uids, rql=body.rql, group_id=group_id),
            **body.model_dump(include={"start_at", "concurrency", "per_site"}),
            window=body.window,
        )

    async def _images(self, organization_id: int, firmware_ids: Sequence[int]) -> list[Firmware]:
        return [await self._firmware.installable(organization_id, firmware_id) for firmware_id in firmware_ids]

    async def _check_size(self, organization_id: int, plan: BatchPlan) -> None:
        """People's batches have a limit; a release knows how many it has."""
        if plan.release_ref is not None:
            return
        if plan.selection.uids is not None:
            size = len(plan.selection.uids)
        else:
            size = await self._selections.count(organization_id, plan.selection, limit=self._limit + 1)
        if size > self._limit:
            raise BatchTooLarge(self._limit)

    async def _choose(self, batch: UpdateBatch, images: Sequence[Firmware]) -> UpdateBatch:
        selection = Selection(**batch.target)
        where: Sequence[ColumnElement[bool]] = await self._selections.conditions(batch.organization_id, selection)
        chosen = await self._store.choose(batch, images, where, after=batch.chosen_to or "", limit=CHUNK)
        last = chosen.last if chosen.devices == CHUNK else None
        return await self._store.change(batch, {"chosen_to": last}, chosen.moved)

    async def _name(self, batch: UpdateBatch, images: Sequence[Firmware], references: Sequence[str]) -> Moved:
        moved = Moved()
        for start in range(0, len(references), CHUNK):
            some = references[start : start + CHUNK]
            where = await self._selections.conditions(batch.organization_id, Selection(uids=some))
            chosen = await self._store.choose(batch, images, where, after="", limit=len(some))
            moved.update(chosen.moved)
            if chosen.devices < len(some):
                moved.update(await self._store.add_unknown(batch, some))
        return moved

    async def _reopen(self, batch: UpdateBatch) -> UpdateBatch:
        if batch.state in ENDED:
            return await self.become(batch, BatchState.IN_PROGRESS)
        return await self._wake(batch)

    async def _wake(self, batch: UpdateBatch, **values: Any) -> UpdateBatch:
        now = await self._store.now()
        return await self._store.change(batch, {**values, "untold": True, "next_step_at": now, "updated_at": now})

    async def _devices(
        self, batch: UpdateBatch, *, state: DeviceState | None, cursor: str | None, limit: int
    ) -> Page[BatchDeviceRead]:
        after = decode_cursor(cursor, str)[0] if cursor else ""
        rows = await self._store.devices(batch, state=state, after=after, limit=limit + 1)
        following = encode_cursor(rows[limit - 1].device_uid) if len(rows) > limit else None
        return Page(items=[_device(row) for row in rows[:limit]], next=following)

    async def _find(self, organization_id: int, batch_id: int) -> UpdateBatch:
        batch = await self._store.find(organization_id, batch_id)
        if batch is None:
            raise BatchNotFound
        return batch

    async def _lock(self, organization_id: int, batch_id: int, release_ref: str | None) -> UpdateBatch:
        batch = await self._store.find(organization_id, batch_id, lock=True)
        if batch is None:
            raise BatchNotFound
        if batch.release_ref != release_ref:
            raise BatchOfRelease
        return batch


def _born(now: datetime) -> dict[str, Any]:
    """What every batch begins with."""
    return dict.fromkeys(("requested_at", "updated_at", "told_at", "stepped_at", "next_step_at"), now)


def terms_of(batch: UpdateBatch) -> Terms:
    terms: dict[str, Any] = {**batch.terms, "firmware_ids": tuple(batch.terms["firmware_ids"])}
    return Terms(**terms)


def read(batch: UpdateBatch) -> BatchRead:
    counts = {state: getattr(batch, state) for state in DeviceState}
    return BatchRead.model_validate(
        {
            **batch.model_dump(),
            **batch.terms,
            "choosing": batch.chosen_to is not None,
            "counts": counts,
            "total": sum(counts.values()),
        }
    )


def _device(row: BatchDevice) -> BatchDeviceRead:
    pending = row.state == DeviceState.PENDING
    detail = row.detail or DETAILS.get(row.reason or "")
    return BatchDeviceRead.model_validate(
        {**row.model_dump(), "detail": detail, "next_at": row.next_at if pending else None}
    )


def _target(selection: Selection) -> dict[str, Any]:
    """What can be chosen by again; devices named one by one are in the rows."""
    return {name: value for name, value in asdict(selection).items() if name != "uids" and value is not None}
