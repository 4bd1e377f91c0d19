"""The relay: publishes what committed units of work left in the outbox, and marks it sent after the confirm.

It asks for unsent rows and never for `id > cursor`: a commit that comes late with a lower id is simply unsent. A round
is one transaction that holds an advisory lock, so of many relays one acts, and a lock never outlives its transaction. A
relay that freezes in a round loses its session to PostgreSQL's idle timeout: another takes over, and the late commit of
the first fails. What it had sent is sent again; readers take it once.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random

from shared.outbox.metrics import RELAY_AGE_SECONDS, RELAY_BACKLOG, RELAY_FAILED, RELAY_INTERRUPTED, RELAY_SENT
from shared.outbox.order import Publishes, Sent, Waiting, send_in_order
from shared.outbox.outbox import WAKE_CHANNEL

FROZEN_AFTER = timedelta(seconds=15)
"""A relay that holds its transaction this long without a statement loses it."""

_LOCK = 0x6F7574626F78  # "outbox" in ASCII; advisory locks are per database
_DRAIN_S = 8.0
_OBSERVE_EVERY_S = 5.0
_PURGE_EVERY_S = 60.0

_TRY_LOCK = text("select pg_try_advisory_xact_lock(:key)")

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
        next_attempt_at = clock_timestamp() + least(power(2, attempts), 60) * interval '1 second'
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


class Relay:
    """Runs in every worker; one of them acts at a time."""

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
        self._engine_url = engine_url
        self._frozen_after = frozen_after
        self._publisher = publisher
        self._batch = batch
        self._poll_s = poll.total_seconds()
        self._name = name
        self._woken = asyncio.Event()
        self._interrupted = False
        self._observe_at = 0.0
        self._purge_at = 0.0

    async def run(self) -> None:
        """Relays until cancelled, then ends the round under way. Outlives every loss of the database or the broker."""
        engine = _own_engine(self._engine_url, self._frozen_after)
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(Exception), wait=wait_random(0.2, 1.0), before_sleep=self._log_failure
            ):
                with attempt:
                    await self._serve(engine)
        finally:
            await engine.dispose()

    async def _serve(self, engine: AsyncEngine) -> None:
        async with engine.connect() as connection:
            await self._listen(connection)
            while True:
                self._woken.clear()
                more = await _to_its_end(self._round(connection))
                if not more:
                    await self._wait()

    async def _listen(self, connection: AsyncConnection) -> None:
        """Wakes at the commit of a unit with events; a notification that is lost costs half a second."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        await driver.add_listener(WAKE_CHANNEL, self._wake)

    def _wake(self, *_notification: object) -> None:
        self._woken.set()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()

    async def _round(self, connection: AsyncConnection) -> bool:
        """One transaction. True when there may be more to send at once."""
        async with connection.begin():
            if not await connection.scalar(_TRY_LOCK, {"key": _LOCK}):
                return False
            await self._keep_house(connection)
            rows = (await connection.execute(_WAITING, {"batch": self._batch})).all()
            if not rows:
                return False
            sent = await send_in_order(self._publisher, [_waiting(row) for row in rows])
            await self._mark(connection, sent)
        self._report(sent)
        return sent.away is None and bool(sent.confirmed)

    async def _mark(self, connection: AsyncConnection, sent: Sent[int]) -> None:
        if sent.confirmed:
            await connection.execute(_MARK_SENT, {"ids": sent.confirmed})
        if sent.failed:
            await connection.execute(_PUT_OFF, {"ids": list(sent.failed), "errors": list(sent.failed.values())})

    def _report(self, sent: Sent[int]) -> None:
        RELAY_SENT.labels(self._name).inc(len(sent.confirmed))
        RELAY_FAILED.labels(self._name).inc(len(sent.failed))
        if sent.failed:
            _log.warning("events refused", relay=self._name, rows=sent.failed)
        if sent.away is not None:
            RELAY_INTERRUPTED.labels(self._name).inc()
        if (sent.away is not None) != self._interrupted:
            self._interrupted = sent.away is not None
            _log.warning("relay waits for the broker" if self._interrupted else "relay resumes", relay=self._name)

    async def _keep_house(self, connection: AsyncConnection) -> None:
        now = monotonic()
        if now >= self._observe_at:
            self._observe_at = now + _OBSERVE_EVERY_S
            backlog, age = (await connection.execute(_OBSERVE)).one()
            RELAY_BACKLOG.labels(self._name).set(backlog)
            RELAY_AGE_SECONDS.labels(self._name).set(float(age))
        if now >= self._purge_at:
            self._purge_at = now + _PURGE_EVERY_S
            for purge in _PURGES:
                await connection.execute(purge)

    def _log_failure(self, state: RetryCallState) -> None:
        RELAY_INTERRUPTED.labels(self._name).inc()
        error = state.outcome.exception() if state.outcome else None
        _log.warning("relay interrupted", relay=self._name, error=type(error).__name__)


def _own_engine(url: str, frozen_after: timedelta) -> AsyncEngine:
    """A connection of the relay's own, which PostgreSQL ends when its process is frozen or its machine is gone."""
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "timeout": 5,
            "command_timeout": 30,
            "server_settings": {
                "application_name": "muster-relay",
                "idle_in_transaction_session_timeout": str(int(frozen_after.total_seconds() * 1000)),
                "tcp_keepalives_idle": "5",
                "tcp_keepalives_interval": "2",
                "tcp_keepalives_count": "3",
            },
        },
    )


async def _to_its_end(round_: Coroutine[Any, Any, bool]) -> bool:
    """The result of a round that a cancellation does not cut short: it ends by itself within seconds."""
    task = asyncio.create_task(round_)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_DRAIN_S)
        task.cancel()
        raise


def _waiting(row: Row[Any]) -> Waiting[int]:
    return Waiting(row.id, str(row.event_id), row.type, row.subject, row.payload.encode())
