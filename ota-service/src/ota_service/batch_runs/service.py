"""The steps of a batch: it hears how its sessions ended, opens the next, and ends.

A step is one transaction which holds the lock on the batch's row. What it opens and what it says of its devices are
written together or not at all, so that a worker may die or stand still between any two steps.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ota_service.batch_runs.rules import divide, ended, next_opening, opened, outcome, zone_of
from ota_service.batch_runs.schemas import Change, Turn
from ota_service.batch_runs.store import BatchRunStore
from ota_service.batches.models import UpdateBatch
from ota_service.batches.schemas import Moved, Window
from ota_service.batches.service import BatchService, terms_of
from ota_service.batches.states import BatchState, DeviceState
from ota_service.sessions.schemas import Origin, Terms
from ota_service.sessions.service import SessionService
from shared.errors import DomainError, ServiceUnavailable
from shared.sql.steps import carrying_on

CHUNK = 1_000
"""Sessions that one step opens, hears of, or cancels."""

_LOOK_AGAIN = timedelta(seconds=1)
"""After which a rollback asks whether all that it takes back has ended."""


class BatchRunService:
    def __init__(
        self, store: BatchRunStore, batches: BatchService, sessions: SessionService, *, patience: timedelta
    ) -> None:
        """`patience` is how long a device may take to take an update up, unless its batch says otherwise."""
        self._store = store
        self._batches = batches
        self._sessions = sessions
        self._patience = patience

    async def step(self) -> bool:
        """Carries on the batch that has waited longest. False when there is none to carry on now. Raises StepFailed."""
        batch = await self._store.take()
        if batch is None:
            return False
        batch_id = _id(batch)
        with carrying_on(batch_id):
            await self._carry_on(batch)
        return True

    async def put_off(self, subject: int, seconds: float) -> None:
        """Leaves a batch aside for a while that could not be carried on."""
        await self._store.put_off(subject, timedelta(seconds=seconds))

    @staticmethod
    def window_is_open(window: Mapping[str, Any] | None, time_zone: str | None, *, now: datetime) -> bool | None:
        """Whether a device of this zone may be updated now, by the window of its batch; None where there is none."""
        if window is None:
            return None
        return next_opening(Window.model_validate(window), zone_of(time_zone), now).opens <= now

    async def _carry_on(self, batch: UpdateBatch) -> None:
        now = await self._store.now()
        moved = await self._hear(batch, now)
        if batch.state == BatchState.CANCELLED:
            again_at = now if await self._call_off(batch) else None
        elif batch.chosen_to is not None:
            chosen = await self._batches.choose_more(batch)
            batch, again_at = (batch, now + _LOOK_AGAIN) if chosen is None else (chosen, now)
        elif batch.held or (batch.state == BatchState.PENDING and batch.start_at is not None and batch.start_at > now):
            again_at = None if batch.held else batch.start_at
        else:
            if batch.state == BatchState.PENDING:
                batch = await self._batches.become(batch, BatchState.IN_PROGRESS)
            more, again_at = await self._open(batch, moved, now)
            moved.update(more)
        batch = await self._batches.settle(batch, moved, next_step_at=again_at)
        if batch.state == BatchState.IN_PROGRESS and batch.chosen_to is None and batch.pending == batch.initiated == 0:
            await self._batches.become(batch, outcome(succeeded=batch.succeeded, failed=batch.failed))

    async def _hear(self, batch: UpdateBatch, now: datetime) -> Moved:
        """Takes note of sessions that have ended."""
        sessions = await self._sessions.hear_ended(_id(batch), limit=CHUNK)
        again = batch.window is not None and batch.state == BatchState.IN_PROGRESS
        uids = [session.device_uid for session in sessions]
        waiting = await self._store.wait_until(batch, uids) if again and uids else {}
        changes = [ended(session, wait_until=waiting.get(session.device_uid), now=now) for session in sessions]
        return await self._store.apply(batch, DeviceState.INITIATED, changes)

    async def _open(self, batch: UpdateBatch, moved: Moved, now: datetime) -> tuple[Moved, datetime | None]:
        """Opens the next sessions; answers with what has changed and when the next turn is, as far as time decides it.

        One call for what devices get until one moment: others have the next step.
        """
        free = CHUNK
        if batch.concurrency is not None:
            free = min(CHUNK, batch.concurrency - batch.initiated - moved[DeviceState.INITIATED])
        if free <= 0:
            return Moved(), None
        turns = await self._store.turns(batch, now=now, limit=free)
        if not turns:
            return Moved(), await self._store.next_turn(batch, after=now)
        terms = terms_of(batch)
        lasting = self._patience if terms.deadline_s is None else timedelta(seconds=terms.deadline_s)
        window = None if batch.window is None else Window.model_validate(batch.window)
        divided = divide(turns, window, now=now, lasting=lasting)
        changes = divided.closed
        for (firmware_ids, closes), some in list(divided.open.items())[:1]:
            terms = replace(terms, firmware_ids=firmware_ids or terms.firmware_ids)
            if closes is not None:
                terms = replace(terms, deadline_s=max(1, int(min(lasting, closes - now).total_seconds())))
            changes += await self._open_some(batch, some, terms, now=now, lasting=lasting)
        return await self._store.apply(batch, DeviceState.PENDING, changes), now

    async def _open_some(
        self, batch: UpdateBatch, turns: list[Turn], terms: Terms, *, now: datetime, lasting: timedelta
    ) -> list[Change]:
        uids = [turn.device_uid for turn in turns]
        origin = Origin(_id(batch), batch.release, batch.wave)
        try:
            openings = await self._sessions.open_many(
                batch.organization_id, batch.requested_by, uids, terms, origin=origin
            )
        except ServiceUnavailable:
            raise
        except DomainError as error:
            return [Change(uid, DeviceState.FAILED, error.code, error.detail) for uid in uids]
        by_uid = {turn.device_uid: turn for turn in turns}
        return [opened(by_uid[opening.device_uid], opening, now=now, lasting=lasting) for opening in openings]

    async def _call_off(self, batch: UpdateBatch) -> bool:
        """Cancels open sessions of a cancelled batch; whether there may be more."""
        session_ids = await self._store.to_call_off(batch, CHUNK)
        if session_ids:
            await self._sessions.cancel_many(batch.organization_id, session_ids, batch.requested_by)
        return len(session_ids) == CHUNK


def _id(batch: UpdateBatch) -> int:
    assert batch.id is not None  # noqa: S101 - it comes from the database
    return batch.id
