"""The relay of commands: sends what waits for devices, and parks what waits for one that is away.

A command is published as mandatory with the time it has left. It comes back when the device has no queue, that is no
connection: then everything for this device waits, each time twice as long, and holds nobody else up. The news that the
device has connected ends the wait, and so does a new command for it. What is past its deadline is dropped.
"""

from collections.abc import Sequence

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.routes import DEVICES_EXCHANGE, device_key
from shared.messaging.errors import Unroutable
from shared.messaging.publisher import Message
from shared.outbox.commands import COMMANDS_CHANNEL, MOST_DOUBLINGS
from shared.outbox.metrics import COMMANDS_EXPIRED, COMMANDS_PARKED, RELAY_AGE_SECONDS, RELAY_BACKLOG
from shared.outbox.order import Sent, Waiting
from shared.outbox.rounds import Rounds

_WAITING = text(
    """
    with due as (
        select device_uid from device_commands
        where next_attempt_at <= statement_timestamp() and deadline > statement_timestamp()
        order by next_attempt_at
        limit :batch
    )
    select id, command_id, device_uid, payload, deadline - clock_timestamp() as time_left
    from device_commands
    where device_uid in (select device_uid from due) and deadline > statement_timestamp()
    order by id
    limit :batch
    """
)
"""All of a device is due once one of its commands is, so that its order is kept; the first ones are at most a batch."""

_LOCK_SETTLED = text(
    """
    select from device_commands
    where id = any(cast(:sent as bigint[])) or device_uid in (
        select device_uid from device_commands where id = any(cast(:failed as bigint[]))
    )
    order by id for update
    """
)

_FORGET = text("delete from device_commands where id = any(cast(:ids as bigint[]))")

_PARK = text(
    f"""
    with first as (
        update device_commands
        set attempts = attempts + 1, last_error = failed.error,
            next_attempt_at = clock_timestamp() + power(2, least(attempts, {MOST_DOUBLINGS})) * interval '1 second'
        from unnest(cast(:ids as bigint[]), cast(:errors as text[])) as failed(id, error)
        where device_commands.id = failed.id
        returning device_uid, next_attempt_at
    )
    update device_commands set next_attempt_at = first.next_attempt_at
    from first
    where device_commands.device_uid = first.device_uid and device_commands.id <> all(cast(:ids as bigint[]))
    """  # noqa: S608 - a number
)
"""A device that connected since the round began has `attempts` 0 again, and waits a second."""

_OBSERVE = text(
    """
    select count(*) filter (where due), count(*) filter (where not due),
           coalesce(extract(epoch from clock_timestamp() - min(next_attempt_at) filter (where due)), 0)
    from (select next_attempt_at, next_attempt_at <= statement_timestamp() as due from device_commands) as waiting
    """
)

_EXPIRE = text(
    """
    delete from device_commands where id in (
        select id from device_commands where deadline <= statement_timestamp()
        order by id limit 10000 for update skip locked
    )
    """
)

_log = structlog.get_logger(__name__)


class CommandRelay(Rounds):
    """Runs in every worker; one of them acts at a time. While it does, it takes `precedence` in its process."""

    LOCK = 0x636F6D6D616E6473  # "commands" in ASCII
    CHANNEL = COMMANDS_CHANNEL
    NAME = "commands"
    GOES_FIRST = True

    async def _waiting(self, connection: AsyncConnection) -> tuple[Sequence[Waiting[int]], bool]:
        rows = (await connection.execute(_WAITING, {"batch": self._batch})).all()
        waiting = [
            Waiting(
                row.id,
                row.device_uid,
                Message(
                    exchange=DEVICES_EXCHANGE,
                    routing_key=device_key(row.device_uid, "commands"),
                    body=row.payload.encode(),
                    message_id=str(row.command_id),
                    expiration=row.time_left,
                ),
            )
            for row in rows
        ]
        return waiting, len(rows) == self._batch

    async def _mark(self, connection: AsyncConnection, sent: Sent[int]) -> None:
        failed = list(sent.failed)
        await connection.execute(_LOCK_SETTLED, {"sent": sent.confirmed, "failed": failed})
        if sent.confirmed:
            await connection.execute(_FORGET, {"ids": sent.confirmed})
        if failed:
            await connection.execute(_PARK, {"ids": failed, "errors": list(sent.failed.values())})
            refused = {key: error for key, error in sent.failed.items() if error != Unroutable.__name__}
            if refused:
                _log.warning("commands refused", relay=self.NAME, rows=refused)

    async def _keep_house(self, connection: AsyncConnection) -> None:
        expired = await connection.execute(_EXPIRE)
        COMMANDS_EXPIRED.labels(self.NAME).inc(expired.rowcount)
        backlog, parked, age = (await connection.execute(_OBSERVE)).one()
        RELAY_BACKLOG.labels(self.NAME).set(backlog)
        COMMANDS_PARKED.labels(self.NAME).set(parked)
        RELAY_AGE_SECONDS.labels(self.NAME).set(float(age))
