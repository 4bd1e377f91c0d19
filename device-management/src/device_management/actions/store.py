"""Every query about actions. What changes many is one statement, by the database's clock.

The rows of a device's queue are changed by who holds the device (`DeviceStatusService.hold`), except that `due_again`
takes the next attempt at a running one, which leaves the queue as it is.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, BigInteger, TextClause, any_, cast, func, insert, or_, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from device_management.actions.models import Action, ActionAttempt, Added, BulkAction, PresentAction, PresentAttempt
from device_management.actions.schemas import ActionOrder, Skipped
from device_management.actions.states import OPEN, ActionState, AttemptState
from device_management.devices.models import Device

_COLUMNS = PresentAction.__struct_fields__
_TYPES: Mapping[str, Any] = {name: Action.metadata.tables["actions"].c[name].type for name in _COLUMNS}

_ADD = text(
    """
    with added as (
        insert into actions (
            organization_id, device_id, device_uid, type, params, priority, retry, state, attempt, version, bulk_id,
            requested_by, requested_at, updated_at, deadline, command_id, started_at
        )
        select :organization_id, device_id, device_uid, :type, cast(:params as jsonb), :priority, cast(:retry as jsonb),
               case when open.id is null then 'running' else 'pending' end,
               case when open.id is null then 1 else 0 end, case when open.id is null then 2 else 1 end, :bulk_id,
               :requested_by, statement_timestamp(), statement_timestamp(), statement_timestamp() + :lasting,
               case when open.id is null then gen_random_uuid() end,
               case when open.id is null then statement_timestamp() end
        from unnest(cast(:ids as bigint[]), cast(:uids as text[]))
            with ordinality as device(device_id, device_uid, place)
        left join lateral (
            select id from actions
            where device_id = device.device_id and state in ('pending', 'running')
              and (state = 'running' or deadline > statement_timestamp())
            limit 1
        ) as open on true
        order by place
        returning *
    ), attempted as (
        insert into action_attempts (id, action_id, device_uid, number, state, began_at)
        select command_id, id, device_uid, attempt, 'sent', started_at from added where state = 'running'
    )
    select device_id, id, command_id, requested_at, deadline from added order by id
    """
)
"""On a device with an empty queue the action begins as it is added. All of them have one time."""

_START_NEXT = text(
    """
    with next as (
        select first.id
        from unnest(cast(:ids as bigint[])) as device(id)
        cross join lateral (
            select id, state from actions
            where device_id = device.id and state in ('pending', 'running')
              and (state = 'running' or deadline > statement_timestamp())
            order by state = 'running' desc, priority desc, id
            limit 1
        ) as first
        where first.state = 'pending'
    )
    update actions
    set state = 'running', attempt = 1, command_id = gen_random_uuid(), started_at = clock_timestamp(),
        version = version + 1, updated_at = clock_timestamp()
    from next where actions.id = next.id
    returning actions.*
    """
)

"""The queue of one device at a time, by its index: how many actions are open changes faster than what the planner knows
of it. By its guess a join reads every open action for each device; so would an index of others with the same condition.
"""

_AGAIN = text(
    """
    with due as (
        select id from actions
        where next_attempt_at <= statement_timestamp() and state = 'running' and deadline > statement_timestamp()
        order by next_attempt_at limit :limit
        for update skip locked
    )
    update actions
    set attempt = attempt + 1, command_id = gen_random_uuid(), next_attempt_at = null, progress = null,
        version = version + 1, updated_at = clock_timestamp()
    from due where actions.id = due.id
    returning actions.*
    """
)

_ADD_ATTEMPTS = text(
    """
    insert into action_attempts (id, action_id, device_uid, number, state, began_at)
    select command_id, id, device_uid, attempt, 'sent', clock_timestamp() from actions
    where id = any(cast(:ids as bigint[]))
    """
)


_RUNNING = text(
    """
    select running.device_id, running.id, running.type
    from unnest(cast(:ids as bigint[])) as device(id)
    cross join lateral (
        select device_id, id, type from actions where device_id = device.id and state = 'running' limit 1
    ) as running
    """
)


_ASKED = text(
    """
    select distinct action.device_id
    from action_attempts as attempt join actions as action on action.id = attempt.action_id
    where attempt.id = any(cast(:ids as uuid[]))
    order by action.device_id
    """
)

_ANSWERED = text(
    """
    select attempt.id as attempt_id, attempt.action_id, attempt.state as attempt_state,
           attempt.progress as attempt_progress, attempt.error as attempt_error, attempt.error_class, attempt.ended_at,
           action.*
    from action_attempts as attempt join actions as action on action.id = attempt.action_id
    where attempt.id = any(cast(:ids as uuid[]))
    for update
    """
)
_OF_ATTEMPT = (
    "attempt_id",
    "action_id",
    "attempt_state",
    "attempt_progress",
    "attempt_error",
    "error_class",
    "ended_at",
)

_SAVE_ATTEMPTS = text(
    """
    update action_attempts as attempt
    set state = said.state, progress = said.progress, error = said.error, error_class = said.error_class,
        ended_at = said.ended_at
    from jsonb_populate_recordset(cast(null as action_attempts), cast(:attempts as jsonb)) as said
    where attempt.id = said.id
    """
)

_SAVE_ACTIONS = text(
    """
    update actions as action
    set state = said.state, progress = said.progress, result = said.result, error = said.error,
        next_attempt_at = said.next_attempt_at, version = said.version, completed_at = said.completed_at,
        updated_at = said.updated_at
    from jsonb_populate_recordset(cast(null as actions), cast(:actions as jsonb)) as said
    where action.id = said.id
    """
)
_SAVED = ("id", "state", "progress", "result", "error", "next_attempt_at", "version", "completed_at", "updated_at")


class ActionStore:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(
        self,
        organization_id: int,
        devices: Mapping[int, str],
        order: ActionOrder,
        *,
        retry: Mapping[str, Any],
        by: str,
        bulk_id: int | None,
    ) -> list[Added]:
        """An action on each device, given as id and uid and held by the caller; it begins where none is open.

        Only what differs is read back: reading the whole rows would take as long as writing them.
        """
        values = {
            "organization_id": organization_id,
            "type": order.type,
            "params": json.dumps(order.params),
            "priority": order.priority,
            "retry": json.dumps(retry),
            "lasting": timedelta(seconds=order.deadline_s),
            "bulk_id": bulk_id,
            "requested_by": by,
            "ids": list(devices),
            "uids": list(devices.values()),
        }
        added = await self._session.execute(_ADD, values)
        return [Added(*row) for row in added]

    async def add_bulk(
        self,
        organization_id: int,
        order: ActionOrder,
        *,
        target: Mapping[str, str | int],
        skipped: Sequence[Skipped],
        by: str,
    ) -> BulkAction:
        values = {
            "organization_id": organization_id,
            "type": order.type,
            "params": order.params,
            "target": dict(target),
            "skipped": [device.model_dump() for device in skipped],
            "requested_by": by,
        }
        return (await self._session.scalars(insert(BulkAction).values(values).returning(BulkAction))).one()

    async def find(self, organization_id: int, action_id: int) -> Action | None:
        query = select(Action).where(Action.organization_id == organization_id, Action.id == action_id)
        return (await self._session.scalars(query.execution_options(populate_existing=True))).one_or_none()

    async def known(self, action_ids: Sequence[int]) -> dict[int, Action]:
        """Actions of any organization, by id."""
        query = select(Action).where(col(Action.id).in_(action_ids))
        return {action.id or 0: action for action in await self._session.scalars(query)}

    async def find_bulk(self, organization_id: int, bulk_id: int) -> BulkAction | None:
        query = select(BulkAction).where(BulkAction.organization_id == organization_id, BulkAction.id == bulk_id)
        return (await self._session.scalars(query)).one_or_none()

    async def counts(self, bulk_id: int) -> dict[ActionState, int]:
        """How many of the call's actions are in each state."""
        query = select(Action.state, func.count()).where(Action.bulk_id == bulk_id).group_by(col(Action.state))
        return {ActionState(state): count for state, count in (await self._session.execute(query)).all()}

    async def page(
        self,
        organization_id: int,
        *,
        device_uid: str | None,
        state: ActionState | None,
        bulk_id: int | None,
        before_id: int,
        limit: int,
    ) -> Sequence[Action]:
        """The newest first, older than `before_id`."""
        query = select(Action).where(Action.organization_id == organization_id, col(Action.id) < before_id)
        if device_uid is not None:
            # By the device's id, under which its few actions are found; a uid stays with its device for ever.
            device = select(Device.id).where(Device.organization_id == organization_id, Device.device_uid == device_uid)
            query = query.where(col(Action.device_id) == device.scalar_subquery())
        if state is not None:
            query = query.where(Action.state == state.value)
        if bulk_id is not None:
            query = query.where(Action.bulk_id == bulk_id)
        return (await self._session.scalars(query.order_by(col(Action.id).desc()).limit(limit))).all()

    async def attempts(self, action_id: int) -> Sequence[ActionAttempt]:
        query = select(ActionAttempt).where(ActionAttempt.action_id == action_id)
        return (await self._session.scalars(query.order_by(col(ActionAttempt.number)))).all()

    async def start_next(self, device_ids: Sequence[int]) -> list[PresentAction]:
        """Begins what is first in the queue of each of these devices, held by the caller, that is idle."""
        started = await self._present(_START_NEXT, {"ids": list(device_ids)})
        await self._add_attempts(started)
        return started

    async def running(self, device_ids: Sequence[int]) -> dict[int, tuple[int, str]]:
        """What runs on these devices, by device: the action's id and type."""
        rows = await self._session.execute(_RUNNING, {"ids": list(device_ids)})
        return {device_id: (action_id, action_type) for device_id, action_id, action_type in rows}

    async def due_again(self, limit: int) -> list[PresentAction]:
        """Begins the next attempt at running ones whose wait is over."""
        started = await self._present(_AGAIN, {"limit": limit})
        await self._add_attempts(started)
        return started

    async def overdue(self, limit: int) -> Sequence[int]:
        """Devices with open actions past their deadline."""
        query = (
            select(Action.device_id)
            .where(col(Action.completed_at).is_(None), col(Action.deadline) <= func.statement_timestamp())
            .order_by(col(Action.deadline))
            .limit(limit)
        )
        return sorted(set((await self._session.scalars(query)).all()))

    async def time_out(self, device_ids: Sequence[int]) -> Sequence[Action]:
        """Ends what is past its deadline on these devices, held by the caller."""
        return await self._end(
            col(Action.device_id).in_(device_ids),
            col(Action.deadline) <= func.statement_timestamp(),
            state=ActionState.TIMED_OUT,
            error="the deadline passed",
        )

    async def cancel(self, action_ids: Sequence[int]) -> Sequence[Action]:
        """Ends these, whose devices the caller holds."""
        return await self._end(col(Action.id).in_(action_ids), state=ActionState.CANCELLED, error=None)

    async def cancel_all(self, device_ids: Sequence[int], error: str) -> Sequence[Action]:
        """Ends everything on these devices, held by the caller."""
        return await self._end(col(Action.device_id).in_(device_ids), state=ActionState.CANCELLED, error=error)

    async def _end(self, *where: Any, state: ActionState, error: str | None) -> Sequence[Action]:
        query = (
            update(Action)
            .where(col(Action.state).in_(OPEN), *where)
            .values(
                state=state,
                error=func.coalesce(error, Action.error),
                next_attempt_at=None,
                completed_at=func.clock_timestamp(),
                updated_at=func.clock_timestamp(),
                version=Action.version + 1,
            )
            .returning(Action)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return (await self._session.scalars(query)).all()

    async def asked(self, command_ids: Sequence[UUID]) -> Sequence[int]:
        """The devices that these commands went to."""
        return (await self._session.scalars(_ASKED, {"ids": command_ids})).all()

    async def answered(
        self, command_ids: Sequence[UUID]
    ) -> tuple[dict[UUID, PresentAttempt], dict[int, PresentAction]]:
        """The attempts of these commands, and their actions by id, as they are now; the caller holds their devices."""
        rows = await self._session.execute(_ANSWERED.columns(**_TYPES), {"ids": command_ids})
        attempts: dict[UUID, PresentAttempt] = {}
        actions: dict[int, PresentAction] = {}
        for row in rows.columns(*_OF_ATTEMPT, *_COLUMNS):
            attempt = PresentAttempt(*row[: len(_OF_ATTEMPT)])
            attempts[attempt.id] = attempt
            actions[attempt.action_id] = PresentAction(*row[len(_OF_ATTEMPT) :])
        return attempts, actions

    async def lately_of(self, device_ids: Sequence[int]) -> Sequence[Action]:
        """The open actions of these devices, and those that ended within a day."""
        lately = func.clock_timestamp() - timedelta(days=1)
        query = select(Action).where(
            col(Action.device_id).in_(device_ids),
            or_(col(Action.completed_at).is_(None), col(Action.completed_at) >= lately),
        )
        return (await self._session.scalars(query)).all()

    async def save(self, attempts: Sequence[PresentAttempt], actions: Sequence[PresentAction]) -> None:
        """Writes what answers have made of rows that `answered` gave, each kind in one statement."""
        said = [{name: getattr(action, name) for name in _SAVED} for action in actions]
        await self._session.execute(_SAVE_ATTEMPTS, {"attempts": msgspec.json.encode(attempts).decode()})
        await self._session.execute(_SAVE_ACTIONS, {"actions": msgspec.json.encode(said).decode()})

    async def now(self) -> datetime:
        """The database's clock."""
        return (await self._session.execute(select(func.clock_timestamp()))).scalar_one()

    async def abandon(self, action_ids: Sequence[int]) -> None:
        """Ends the attempts at actions that have ended without an answer to them."""
        await self._session.execute(
            update(ActionAttempt)
            .where(
                col(ActionAttempt.action_id) == any_(cast(action_ids, ARRAY(BigInteger))),
                col(ActionAttempt.state).in_((AttemptState.SENT, AttemptState.RUNNING)),
            )
            .values(state=AttemptState.ABANDONED, ended_at=func.clock_timestamp())
            .execution_options(synchronize_session=False)
        )

    async def unanswered(self, uids: Sequence[str]) -> Sequence[Action]:
        """What these devices were asked and have not said a word to."""
        query = (
            select(Action)
            .join(ActionAttempt, col(ActionAttempt.id) == Action.command_id)
            .where(
                col(Action.device_uid).in_(uids),
                Action.state == ActionState.RUNNING.value,
                ActionAttempt.state == AttemptState.SENT.value,
            )
            .order_by(col(Action.id))
            .execution_options(populate_existing=True)
        )
        return (await self._session.scalars(query)).all()

    async def _add_attempts(self, started: Sequence[PresentAction]) -> None:
        if started:
            await self._session.execute(_ADD_ATTEMPTS, {"ids": [action.id for action in started]})

    async def _present(self, statement: TextClause, values: Mapping[str, Any]) -> list[PresentAction]:
        """The actions that a statement returns, by the names of their columns."""
        rows = await self._session.execute(statement.columns(**_TYPES), values)
        return [PresentAction(*row) for row in rows.columns(*_COLUMNS)]
