"""The relay: publishes what committed units of work left in the outbox, and marks it sent after the confirm.

It asks for unsent rows and never for `id > cursor`: a commit that comes late with a lower id is simply unsent.
"""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.outbox.metrics import RELAY_AGE_SECONDS, RELAY_BACKLOG
from shared.outbox.order import Publishes, Sent, Waiting, event_message
from shared.outbox.outbox import WAKE_CHANNEL
from shared.outbox.rounds import FROZEN_AFTER, Rounds

_WAITING = text(
    """
    select id, event_id, type, subject, payload
    from outbox as event
    where sent_at is null
      and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
      and not exists (
        select from outbox as earlier
        where earlier.sent_at is null and earlier.attempts > 0
          and earlier.subject = event.subject and earlier.id < event.id
          and earlier.next_attempt_at > clock_timestamp()
      )
    order by id
    limit :batch
    """
)

_MARK_SENT = text(
    "update outbox set sent_at = clock_timestamp(), last_error = null where id = any(cast(:ids as bigint[]))"
)

_PUT_OFF = text(
    """
    update outbox
    set attempts = attempts + 1, last_error = failed.error,
        next_attempt_at = clock_timestamp() + least(power(2, least(attempts, 10)), 60) * interval '1 second'
    from unnest(cast(:ids as bigint[]), cast(:errors as text[])) as failed(id, error)
    where outbox.id = failed.id
    """
)

_OBSERVE = text(
    """
    select count(*), coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)
    from outbox where sent_at is null
    """
)

_PURGES = (
    text(
        """
        delete from outbox where id in (
          select id from outbox where sent_at < now() - interval '1 day' order by sent_at limit 10000
        )
        """
    ),
    text(
        """
        delete from inbox where (consumer, event_id) in (
          select consumer, event_id from inbox where seen_at < now() - interval '30 days' order by seen_at limit 10000
        )
        """
    ),
)

_log = structlog.get_logger(__name__)


class Relay(Rounds):
    """Runs in every worker; one of them acts at a time."""

    LOCK = 0x6F7574626F78  # "outbox" in ASCII
    CHANNEL = WAKE_CHANNEL

    def __init__(
        self,
        engine_url: str,
        publisher: Publishes,
        *,
        batch: int = 500,
        poll: timedelta = timedelta(seconds=0.5),
        frozen_after: timedelta = FROZEN_AFTER,
        name: str = "postgresql",
    ) -> None:
        super().__init__(engine_url, publisher, name=name, batch=batch, poll=poll, frozen_after=frozen_after)

    async def _waiting(self, connection: AsyncConnection) -> Sequence[Waiting[int]]:
        rows = await connection.execute(_WAITING, {"batch": self._batch})
        return [
            Waiting(row.id, row.subject, event_message(str(row.event_id), row.type, row.payload.encode()))
            for row in rows
        ]

    async def _mark(self, connection: AsyncConnection, sent: Sent[int]) -> None:
        if sent.confirmed:
            await connection.execute(_MARK_SENT, {"ids": sent.confirmed})
        if sent.failed:
            _log.warning("events refused", relay=self._name, rows=sent.failed)
            await connection.execute(_PUT_OFF, {"ids": list(sent.failed), "errors": list(sent.failed.values())})

    async def _keep_house(self, connection: AsyncConnection) -> None:
        for purge in _PURGES:
            await connection.execute(purge)
        backlog, age = (await connection.execute(_OBSERVE)).one()
        RELAY_BACKLOG.labels(self._name).set(backlog)
        RELAY_AGE_SECONDS.labels(self._name).set(float(age))
