"""Once is enough: an event's id is written down in the transaction of its effect."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.envelope import Envelope

_INSERT = text(
    """
    insert into inbox (consumer, event_id)
    select :consumer, id from unnest(cast(:ids as uuid[])) as id order by id
    on conflict do nothing
    returning event_id
    """
)


async def first_time(session: AsyncSession, consumer: str, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """The events this consumer has not taken in before, in their order; each once, even when it comes twice in a row.

    A second transaction with the same event waits here for the first. The ids are sorted, so two such transactions
    never wait for each other.
    """
    if not envelopes:
        return []
    rows = await session.execute(_INSERT, {"consumer": consumer, "ids": sorted({event.id for event in envelopes})})
    new: set[UUID] = set(rows.scalars())
    first: list[Envelope] = []
    for envelope in envelopes:
        if envelope.id in new:
            new.remove(envelope.id)
            first.append(envelope)
    return first
