"""What a unit of work tells the world: rows in the transaction of the change, so that both or neither exist."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.contracts.envelope import EventData
from shared.ids import Ids
from shared.outbox import commands
from shared.outbox.commands import AlikeCommands, Command, WrittenCommand, write_alike, write_command
from shared.outbox.writing import WrittenEvent, write, write_encoded, write_plain
from shared.sql import copying

WAKE_CHANNEL = "outbox"

_INSERT = text(
    """
    with added as (
        insert into outbox (event_id, type, subject, payload, urgent)
        select event_id, type, subject, payload, urgent
        from unnest(
            cast(:ids as uuid[]), cast(:types as text[]), cast(:subjects as text[]), cast(:payloads as text[]),
            cast(:urgent as boolean[])
        ) with ordinality as event(event_id, type, subject, payload, urgent, place)
        order by place
    )
    select pg_notify(:channel, '')
    """
)

_NOTIFY = text("select pg_notify(:channel, '')")

_COLUMNS = ("event_id", "type", "subject", "payload", "urgent")
_COPIED_FROM = 500
"""Of fewer events one statement costs less than two round trips."""

_LONGER = text("select exists (select from outbox where sent_at is null offset :events)")


class Outbox:
    """The events and commands of one unit of work. What was not flushed before is written last, with the commit."""

    def __init__(self, session: AsyncSession, *, source: str, clock: Clock, ids: Ids) -> None:
        self._session = session
        self._source = source
        self._clock = clock
        self._ids = ids
        self._events: list[WrittenEvent] = []
        self._commands: list[WrittenCommand] = []
        self._alike: list[AlikeCommands] = []
        self._withdrawn: set[UUID] = set()
        self._connected: set[str] = set()

    def add(self, event: EventData, *, causation_id: str | None = None) -> None:
        """Adds an event, to be published once the unit is committed. `causation_id` is the event that led to it.

        Raises ValueError for one too large to publish.
        """
        self._events.append(
            write(event, source=self._source, clock=self._clock, ids=self._ids, causation_id=causation_id)
        )

    def add_plain(self, kind: type[EventData], events: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Adds thousands of events of `kind`: the subject of each, and its data, known to have that shape.

        Raises ValueError for one too large to publish.
        """
        self._events += write_plain(kind, list(events), source=self._source, clock=self._clock, ids=self._ids)

    def write_encoded(
        self, kind: type[EventData], organization_id: int, events: Sequence[tuple[str, bytes]]
    ) -> list[WrittenEvent]:
        """Events of one organization, with data that are JSON already, for `add_written`.

        For who can write them before it is certain that there is something to tell. Raises ValueError for one too large
        to publish.
        """
        return write_encoded(kind, organization_id, events, source=self._source, clock=self._clock, ids=self._ids)

    def add_written(self, events: Iterable[WrittenEvent]) -> None:
        self._events += events

    def add_encoded(self, kind: type[EventData], organization_id: int, events: Sequence[tuple[str, bytes]]) -> None:
        """As `write_encoded` and `add_written`."""
        self.add_written(self.write_encoded(kind, organization_id, events))

    def command(self, command: Command) -> None:
        """Adds a command, to be sent once the unit is committed and its device connected, but not past its deadline.

        A device gets its commands in the order in which they were added, at least once. Raises ValueError for one too
        large to publish.
        """
        self._commands.append(write_command(command))

    def commands_alike(
        self, uids: Mapping[UUID, str], command_type: str, params: Mapping[str, Any], deadline: datetime
    ) -> None:
        """As `command`, of thousands that differ in id and device alone, given as uids by the commands' ids.

        The ids are new: they wait for no device yet. They come after what `command` has added.
        """
        self._alike.append(write_alike(uids, command_type, params, deadline))

    def withdraw(self, command_ids: Iterable[UUID]) -> None:
        """Takes back commands that wait for their device. One that is on its way meanwhile still arrives."""
        self._withdrawn.update(command_ids)

    def devices_connected(self, uids: Iterable[str]) -> None:
        """What waits for these devices is sent at once."""
        self._connected.update(uids)

    async def is_longer_than(self, events: int) -> bool:
        """Whether more committed events than that wait for the relay; for who could send many and is in no hurry."""
        return bool(await self._session.scalar(_LONGER, {"events": events}))

    async def flush(self) -> None:
        """Writes what was added, in order, each kind at once, and wakes the relays at the commit."""
        if self._events:
            events, self._events = self._events, []
            await (_insert if len(events) < _COPIED_FROM else _copy)(self._session, events)
        if self._commands:
            added, self._commands = self._commands, []
            await commands.insert(self._session, added)
        while self._alike:
            await commands.insert_alike(self._session, self._alike.pop(0))
        if self._withdrawn:
            withdrawn, self._withdrawn = self._withdrawn, set()
            await commands.withdraw(self._session, withdrawn)
        if self._connected:
            connected, self._connected = self._connected, set()
            await commands.make_due(self._session, connected)


async def _insert(session: AsyncSession, events: list[WrittenEvent]) -> None:
    await session.execute(
        _INSERT,
        {
            "ids": [event.id for event in events],
            "types": [event.type for event in events],
            "subjects": [event.subject for event in events],
            "payloads": [event.payload.decode() for event in events],
            "urgent": [event.urgent for event in events],
            "channel": WAKE_CHANNEL,
        },
    )


async def _copy(session: AsyncSession, events: list[WrittenEvent]) -> None:
    await session.execute(_NOTIFY, {"channel": WAKE_CHANNEL})
    await copying.copy_rows(session, "outbox", _COLUMNS, map(_row, events))


def _row(event: WrittenEvent) -> bytes:
    return b"".join(
        (
            copying.uuid(event.id),
            copying.text(event.type),
            copying.text(event.subject),
            copying.text(event.payload),
            copying.boolean(event.urgent),
        )
    )
