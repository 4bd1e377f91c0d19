"""What a unit of work tells the world: rows in the transaction of the change, so that both or neither exist."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.contracts.envelope import EventData
from shared.ids import Ids
from shared.outbox.writing import WrittenEvent, write

WAKE_CHANNEL = "outbox"

_INSERT = text(
    """
    with added as (
        insert into outbox (event_id, type, subject, payload)
        select event_id, type, subject, payload
        from unnest(cast(:ids as uuid[]), cast(:types as text[]), cast(:subjects as text[]), cast(:payloads as text[]))
            with ordinality as event(event_id, type, subject, payload, place)
        order by place
    )
    select pg_notify(:channel, '')
    """
)


class Outbox:
    """The events of one unit of work."""

    def __init__(self, session: AsyncSession, *, source: str, clock: Clock, ids: Ids) -> None:
        self._session = session
        self._source = source
        self._clock = clock
        self._ids = ids
        self._events: list[WrittenEvent] = []

    def add(self, event: EventData, *, causation_id: str | None = None) -> None:
        """Adds an event, to be published once the unit is committed. `causation_id` is the event that led to it.

        Raises ValueError for one too large to publish.
        """
        self._events.append(
            write(event, source=self._source, clock=self._clock, ids=self._ids, causation_id=causation_id)
        )

    async def flush(self) -> None:
        """Writes what was added, in order, in one statement, and wakes the relay at the commit."""
        if not self._events:
            return
        events, self._events = self._events, []
        await self._session.execute(
            _INSERT,
            {
                "ids": [event.id for event in events],
                "types": [event.type for event in events],
                "subjects": [event.subject for event in events],
                "payloads": [event.payload.decode() for event in events],
                "channel": WAKE_CHANNEL,
            },
        )
