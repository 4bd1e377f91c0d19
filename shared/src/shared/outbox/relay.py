"""The relay: publishes what committed units of work left in the outbox, and marks it sent after the confirm.

It asks for unsent rows and never for `id > cursor`: a commit that comes late with a lower id is simply unsent. What is
urgent goes before all that waits, together with what waits of its subject, so that order within a subject stays.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.outbox.metrics import RELAY_AGE_SECONDS, RELAY_BACKLOG
from shared.outbox.order import Sent, Waiting, event_message
from shared.outbox.outbox import WAKE_CHANNEL
from shared.outbox.rounds import Rounds

_URGENT = "(select subject from outbox where sent_at is null and urgent)"


def _waiting(among: str) -> TextClause:
    """The earliest of what may be sent now, of those rows for which the condition holds."""
    return text(
        f"""
    with put_off as materialized (
        select distinct on (subject) subject, id
        from outbox
        where sent_at is null and attempts > 0 and next_attempt_at > clock_timestamp()
        order by subject, id
    )
    select id, event_id, type, subject, payload
    from outbox as event
    where sent_at is null and {among}
      and (next_attempt_at is null or next_attempt_at <= clock_timestamp())
      and not exists (
        select from put_off where put_off.subject = event.subject and put_off.id < event.id
      )
    order by id
    limit :batch
    """  # noqa: S608 - one of the two below
    )


_FIRST = _waiting(f"exists {_URGENT} and subject = any(array{_URGENT})")
_WAITING = _waiting("true")
"""What is put off is looked up once, by its own index. Looked up for each event, it is searched for among all unsent
ones as soon as the planner believes that nothing is unsent, which is true nearly always.
"""

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
    """Runs in every worker; one of them acts at a time. What takes `precedence` in its process goes first."""

    LOCK = 0x6F7574626F78  # "outbox" in ASCII
    CHANNEL = WAKE_CHANNEL
    NAME = "postgresql"

    async def _waiting(self, connection: AsyncConnection) -> tuple[Sequence[Waiting[int]], bool]:
        values = {"batch": self._batch}
        urgent = (await connection.execute(_FIRST, values)).all()
        rows = urgent or (await connection.execute(_WAITING, values)).all()
        waiting = [
            Waiting(row.id, row.subject, event_message(str(row.event_id), row.type, row.payload.encode()))
            for row in rows
        ]
        return waiting, bool(urgent) or len(rows) == self._batch

    async def _mark(self, connection: AsyncConnection, sent: Sent[int]) -> None:
        if sent.confirmed:
            await connection.execute(_MARK_SENT, {"ids": sent.confirmed})
        if sent.failed:
            _log.warning("events refused", relay=self.NAME, rows=sent.failed)
            await connection.execute(_PUT_OFF, {"ids": list(sent.failed), "errors": list(sent.failed.values())})

    async def _keep_house(self, connection: AsyncConnection) -> None:
        for purge in _PURGES:
            await connection.execute(purge)
        backlog, age = (await connection.execute(_OBSERVE)).one()
        RELAY_BACKLOG.labels(self.NAME).set(backlog)
        RELAY_AGE_SECONDS.labels(self.NAME).set(float(age))
