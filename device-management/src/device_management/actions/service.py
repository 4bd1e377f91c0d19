"""Use cases of actions: ask one device or many, look, cancel; hear answers, try again, time out, go on with the queue.

Whoever changes a device's queue holds the device first, so that two never begin an action on it; the unique index on
running ones says so once more.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from device_management.actions.errors import ActionNotFound, BulkActionNotFound, TooManyDevices, WrongTransition
from device_management.actions.events import (
    OF_STATE,
    alike,
    bulk_change,
    cancellation,
    change,
    command,
    requested,
    told,
)
from device_management.actions.models import Action, BulkAction, PresentAction
from device_management.actions.rules import USUAL_RETRY, answered, asked, heard_of, refused, shown_status
from device_management.actions.schemas import (
    MAX_DEVICES,
    ActionDetail,
    ActionInfo,
    ActionInfoRead,
    ActionOrder,
    ActionRead,
    AttemptRead,
    BulkActionCreate,
    BulkActionRead,
    DeviceActionCreate,
    Retry,
    Skipped,
)
from device_management.actions.states import ActionState, may_become
from device_management.actions.store import ActionStore
from device_management.audit.schemas import Actor
from device_management.audit.service import AuditService
from device_management.device_status.models import HeldDevice
from device_management.device_status.service import DeviceStatusService
from device_management.devices.errors import DeviceIsRetired, DeviceNotFound
from device_management.devices.service import DeviceService
from device_management.devices.states import Lifecycle
from device_management.groups.schemas import Selection
from device_management.groups.service import SelectionService
from shared.contracts.actions import UPDATES, ActionProgressed, ActionRequested, ActionSnapshot, ActionStarted
from shared.contracts.commands import DeviceReply
from shared.contracts.updates import UpdateRefused, UpdateSessionState
from shared.http.pagination import Page, decode_cursor, page_of
from shared.ids import Ids
from shared.sql.unit_of_work import UnitOfWork

CHUNK = 500
"""Actions that one step of a timer takes on."""

_CANCELLATION_LASTS = timedelta(minutes=5)


class ActionService:
    def __init__(
        self,
        unit: UnitOfWork,
        store: ActionStore,
        devices: DeviceService,
        statuses: DeviceStatusService,
        selections: SelectionService,
        audit: AuditService,
        *,
        ids: Ids,
    ) -> None:
        self._unit = unit
        self._store = store
        self._devices = devices
        self._statuses = statuses
        self._selections = selections
        self._audit = audit
        self._ids = ids

    async def tell_again(self, device_ids: Sequence[int]) -> None:
        """Tells the open actions of these devices and those that ended within a day, for copies that lost them."""
        self._unit.outbox.add_plain(ActionSnapshot, map(told, await self._store.lately_of(device_ids)))

    async def request(self, organization_id: int, device_uid: str, order: ActionOrder, *, by: Actor) -> ActionRead:
        """Puts an action into the device's queue, and begins it when the device is idle.

        Raises DeviceNotFound, DeviceIsRetired.
        """
        held = await self._statuses.hold(organization_id, [device_uid])
        if not held:
            raise DeviceNotFound
        if held[0].lifecycle == Lifecycle.RETIRED:
            raise DeviceIsRetired
        [action] = await self._ask(organization_id, held, order, by=by)
        await self._audit.record(organization_id, by, [change(action, "requested")])
        return read(action)

    async def request_many(self, organization_id: int, body: BulkActionCreate, *, by: Actor) -> BulkActionRead:
        """An action on each device meant; who cannot be asked is skipped, with the reason.

        Raises TooManyDevices, GroupNotFound, BadQuery, QueryTooSlow.
        """
        bulk = await self.ask_many(organization_id, body, by=by)
        await self._audit.record(organization_id, by, [bulk_change(bulk)])
        return bulk

    async def ask_many(self, organization_id: int, body: BulkActionCreate, *, by: Actor) -> BulkActionRead:
        """As `request_many`, for who has an entry in the audit log for all of what is asked."""
        wanted = await self._wanted(organization_id, body)
        found = {device.device_uid: device for device in await self._statuses.hold(organization_id, wanted)}
        asked = [device for device in found.values() if device.lifecycle != Lifecycle.RETIRED]
        skipped = [
            Skipped(device_uid=uid, reason=DeviceIsRetired.code if uid in found else DeviceNotFound.code)
            for uid in wanted
            if uid not in found or found[uid].lifecycle == Lifecycle.RETIRED
        ]
        bulk = await self._store.add_bulk(
            organization_id, body, target=body.target(), skipped=skipped, by=by.id or by.kind
        )
        await self._ask(organization_id, asked, body, by=by, bulk_id=bulk.id)
        return await self._read_bulk(bulk)

    async def get(self, organization_id: int, action_id: int) -> ActionDetail:
        """One action with the history of its attempts. Raises ActionNotFound."""
        action = await self._find(organization_id, action_id)
        attempts = await self._store.attempts(action_id)
        return ActionDetail(
            **read(action).model_dump(),
            attempts=[AttemptRead.model_validate({**a.model_dump(), "command_id": str(a.id)}) for a in attempts],
        )

    async def newest(self, wanted: Collection[tuple[int, int]]) -> dict[tuple[int, int], ActionRead]:
        """Those of the actions that are there, each by its organization's id and its own, without their attempts."""
        known = await self._store.known([action_id for _, action_id in wanted])
        return {
            (organization_id, action_id): read(known[action_id])
            for organization_id, action_id in wanted
            if action_id in known and known[action_id].organization_id == organization_id
        }

    async def get_bulk(self, organization_id: int, bulk_id: int) -> BulkActionRead:
        """Raises BulkActionNotFound."""
        bulk = await self._store.find_bulk(organization_id, bulk_id)
        if bulk is None:
            raise BulkActionNotFound
        return await self._read_bulk(bulk)

    async def page(
        self,
        organization_id: int,
        *,
        device_uid: str | None,
        state: ActionState | None,
        bulk_id: int | None,
        cursor: str | None,
        limit: int,
    ) -> Page[ActionRead]:
        """The organization's actions, the newest first. Raises BadCursor."""
        before_id = decode_cursor(cursor, int)[0] if cursor else 2**63 - 1
        rows = await self._store.page(
            organization_id, device_uid=device_uid, state=state, bulk_id=bulk_id, before_id=before_id, limit=limit + 1
        )
        kept, following = page_of(rows, limit, lambda action: (action.id,))
        return Page(items=[read(action) for action in kept], next=following)

    async def cancel(self, organization_id: int, action_id: int, *, by: Actor) -> ActionRead:
        """Ends an open action at once; a device that has begun is told. The same again changes nothing.

        Raises ActionNotFound, WrongTransition.
        """
        action = await self._find(organization_id, action_id)
        await self._statuses.hold_ids([action.device_id])
        before = await self._find(organization_id, action_id)
        if before.state == ActionState.CANCELLED:
            return read(before)
        if not may_become(before.state, ActionState.CANCELLED):
            raise WrongTransition(before.state, ActionState.CANCELLED)
        await self._ended(await self._store.cancel([action_id]), cancelled_at=await self._store.now())
        await self._audit.record(organization_id, by, [change(before, "cancelled")])
        return read(await self._find(organization_id, action_id))

    async def initiate(
        self, organization_id: int, reference: str, body: DeviceActionCreate, *, by: Actor
    ) -> ActionInfoRead:
        """`request` for a device by id or uid, answered in short. Raises DeviceNotFound, DeviceIsRetired."""
        uid = await self._devices.uid_of(organization_id, reference)
        order = ActionOrder(type=body.action_type, params=body.action_params)
        action = await self.request(organization_id, uid, order, by=by)
        return _in_short(action, f"{action.type} initiated on {uid}")

    async def status(self, organization_id: int, reference: str, action_id: int) -> ActionInfoRead:
        """One of the device's actions in short. Raises DeviceNotFound, ActionNotFound."""
        uid = await self._devices.uid_of(organization_id, reference)
        action = await self._find(organization_id, action_id)
        if action.device_uid != uid:
            raise ActionNotFound
        return _in_short(read(action), action.error or f"{action.type} is {action.state}")

    async def hear(self, replies: Sequence[tuple[str, DeviceReply]]) -> None:
        """Takes in what devices say of their commands, as (uid, reply) in the order of the queue.

        Answers that say nothing new, of another device's command, or of a command that is not an action's are passed
        over. The first end of an attempt stands, also in the history of an action that ended before.
        """
        said = [(uid, command_id, reply) for uid, reply in replies if (command_id := _uuid(reply.id)) is not None]
        if not said:
            return
        command_ids = [command_id for _, command_id, _ in said]
        await self._statuses.hold_ids(await self._store.asked(command_ids))
        attempts, actions = await self._store.answered(command_ids)
        now = await self._store.now()
        heard: set[UUID] = set()
        changed: dict[int, PresentAction] = {}
        for uid, command_id, reply in said:
            attempt = attempts.get(command_id)
            if attempt is None or actions[attempt.action_id].device_uid != uid:
                continue
            before = actions[attempt.action_id]
            made = answered(attempt, before, reply, now=now)
            if made is None:
                continue
            attempts[command_id], after = made
            heard.add(command_id)
            if after is not before:
                actions[after.id] = changed[after.id] = after
        if not heard:
            return
        await self._store.save([attempts[command_id] for command_id in heard], list(changed.values()))
        running = [action for action in changed.values() if action.state == ActionState.RUNNING]
        self._unit.outbox.add_plain(ActionProgressed, map(told, running))
        await self._ended([action for action in changed.values() if action.state != ActionState.RUNNING])

    async def follow_updates(self, news: Sequence[UpdateSessionState | UpdateRefused]) -> None:
        """Takes in what ota-service says of the sessions that carry out actions, or of there being none."""
        actions = await self._store.known([item.action_id for item in news if item.action_id is not None])
        replies: list[tuple[str, DeviceReply]] = []
        for item in news:
            action = actions.get(item.action_id or 0)
            if action is None or action.command_id is None or action.organization_id != item.organization_id:
                continue
            said = refused(item) if isinstance(item, UpdateRefused) else heard_of(item)
            if said is not None:
                replies.append((action.device_uid, DeviceReply(id=str(action.command_id), **said)))
        await self.hear(replies)

    async def remind(self, uids: Sequence[str]) -> None:
        """Sends these devices again what they have said nothing to: the queue of a connection may have died with it.

        A device takes a command that it gets twice as one; none is sent behind the back of who ends its action.
        """
        silent = await self._store.unanswered(uids)
        await self._statuses.hold_ids(sorted({action.device_id for action in silent}))
        for action in await self._store.unanswered(uids):
            self._send(action)

    async def forget_devices(self, device_ids: Sequence[int]) -> None:
        """Ends everything that retired or purged devices were asked."""
        await self._statuses.hold_ids(device_ids)
        await self._ended(await self._store.cancel_all(device_ids, "the device is retired"))

    async def try_again(self) -> bool:
        """Makes the attempts that are due. False when there are none."""
        actions = await self._store.due_again(CHUNK)
        self._unit.outbox.add_plain(ActionProgressed, map(told, actions))
        for action in actions:
            self._send(action)
        return bool(actions)

    async def time_out(self) -> bool:
        """Ends what is past its deadline by the database's clock. False when there is nothing."""
        device_ids = await self._store.overdue(CHUNK)
        if device_ids:
            await self._statuses.hold_ids(device_ids)
            await self._ended(await self._store.time_out(device_ids))
        return bool(device_ids)

    async def _wanted(self, organization_id: int, body: BulkActionCreate) -> list[str]:
        """Uids, each once, in the order in which they were given or registered."""
        if body.device_uids is not None:
            return list(dict.fromkeys(body.device_uids))
        selection = Selection(rql=body.rql, group_id=body.group)
        chosen = await self._selections.chosen(organization_id, selection, limit=MAX_DEVICES + 1)
        if len(chosen) > MAX_DEVICES:
            raise TooManyDevices(MAX_DEVICES)
        return [device.device_uid for device in chosen]

    async def _ask(
        self,
        organization_id: int,
        devices: Sequence[HeldDevice],
        order: ActionOrder,
        *,
        by: Actor,
        bulk_id: int | None = None,
    ) -> Sequence[PresentAction]:
        """Adds an action for each held device; those whose device is idle begin."""
        retry = USUAL_RETRY if order.retry is None else order.retry
        if order.type in UPDATES:
            retry = dict[str, Retry]()
        uids = {device.id: device.device_uid for device in devices}
        policies = {error_class: policy.model_dump() for error_class, policy in retry.items()}
        who = by.id or by.kind
        added = await self._store.add(organization_id, uids, order, retry=policies, by=who, bulk_id=bulk_id)
        actions = [
            asked(organization_id, uids[one.device_id], order, one, retry=policies, by=who, bulk_id=bulk_id)
            for one in added
        ]
        self._unit.outbox.add_encoded(ActionRequested, organization_id, alike(requested, actions))
        begun = [action for action in actions if action.state == ActionState.RUNNING]
        self._unit.outbox.add_encoded(ActionStarted, organization_id, alike(told, begun))
        if begun and order.type not in UPDATES:
            asking = {action.command_id: action.device_uid for action in begun if action.command_id is not None}
            self._unit.outbox.commands_alike(asking, order.type, order.params, begun[0].deadline)
        await self._show(begun)
        return actions

    async def _ended(self, actions: Sequence[Action | PresentAction], *, cancelled_at: datetime | None = None) -> None:
        """What has just come to its end: told, its command taken back, and its device's queue goes on.

        With `cancelled_at` devices that may have begun are told.
        """
        if not actions:
            return
        for state, event in OF_STATE.items():
            self._unit.outbox.add_plain(event, (told(action) for action in actions if action.state == state))
        for action in actions:
            if action.command_id is not None:
                self._unit.outbox.withdraw([action.command_id])
                if cancelled_at is not None and action.type not in UPDATES:
                    until = cancelled_at + _CANCELLATION_LASTS
                    self._unit.outbox.command(cancellation(action, command_id=self._ids.new(), until=until))
        await self._store.abandon([action.id for action in actions if action.id is not None])
        await self._go_on(sorted({action.device_id for action in actions}))

    async def _go_on(self, device_ids: Sequence[int]) -> None:
        """Begins what is next on those devices that are idle, and has each device show what it does now."""
        begun = await self._store.start_next(device_ids)
        await self._begun(begun)
        others = sorted({*device_ids} - {action.device_id for action in begun})
        running = (await self._store.running(others)).items()
        shown = {device_id: (action_id, shown_status(kind)) for device_id, (action_id, kind) in running}
        await self._statuses.show_actions({**dict.fromkeys(others, (None, None)), **shown})

    async def _begun(self, actions: Sequence[PresentAction]) -> None:
        """What has just begun: told, sent, and shown by its device."""
        self._unit.outbox.add_plain(ActionStarted, map(told, actions))
        for action in actions:
            self._send(action)
        await self._show(actions)

    async def _show(self, actions: Sequence[PresentAction]) -> None:
        """Has the devices show these actions, which have just begun."""
        await self._statuses.show_actions(
            {action.device_id: (action.id, shown_status(action.type)) for action in actions}
        )

    def _send(self, action: Action | PresentAction) -> None:
        """The command to the device; an update is carried out by ota-service, which hears that it began."""
        if action.type not in UPDATES:
            self._unit.outbox.command(command(action))

    async def _find(self, organization_id: int, action_id: int) -> Action:
        action = await self._store.find(organization_id, action_id)
        if action is None:
            raise ActionNotFound
        return action

    async def _read_bulk(self, bulk: BulkAction) -> BulkActionRead:
        assert bulk.id is not None  # noqa: S101 - it comes from the database
        counts = await self._store.counts(bulk.id)
        skipped = [Skipped.model_validate(device) for device in bulk.skipped]
        total = sum(counts.values()) + len(skipped)
        values = {**bulk.model_dump(exclude={"skipped"}), "bulk_id": bulk.id}
        return BulkActionRead.model_validate({**values, "total": total, "counts": counts, "skipped": skipped})


def read(action: Action | PresentAction) -> ActionRead:
    members = action.model_dump() if isinstance(action, Action) else msgspec.structs.asdict(action)
    return ActionRead.model_validate({**members, "action_id": action.id})


def _in_short(action: ActionRead, message: str) -> ActionInfoRead:
    info = ActionInfo(
        action_id=str(action.action_id),
        device_id=action.device_uid,
        action_type=action.type,
        status=action.state,
        initiated_at=action.requested_at,
        completed_at=action.completed_at,
        params=action.params,
        error_message=action.error,
    )
    return ActionInfoRead(message=message, action_id=info.action_id, action_status=action.state, action_info=info)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
