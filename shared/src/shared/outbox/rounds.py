"""What all relays of PostgreSQL do: one round after another, each a transaction, in one process at a time.

A round holds an advisory lock, so of many relays one acts, and a lock never outlives its transaction. A relay that
freezes in a round loses its session to PostgreSQL's idle timeout: another takes over, and the late commit of the first
fails. What it had sent is sent again; readers take it once.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import timedelta
from time import monotonic
from typing import Any, ClassVar

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random

from shared.outbox.metrics import RELAY_INTERRUPTED, RELAY_SENT, count_failures
from shared.outbox.order import Publishes, Sent, Waiting, send_in_order
from shared.precedence import PATIENCE_S, Precedence

FROZEN_AFTER = timedelta(seconds=15)
"""A relay that holds its transaction this long without a statement loses it."""

_BREATH_S = 0.05
"""Rounds begin no faster than this: a service that commits a change at a time would else have one for each of them,
and every one costs what a hundred events do. The first after a rest begins at once."""

_DRAIN_S = 8.0
_KEEP_HOUSE_EVERY_S = 5.0
_LOOK_FOR_FROZEN_EVERY_S = 1.0
_GIVES_WAY_S = PATIENCE_S

_TRY_LOCK = text("select pg_try_advisory_xact_lock(:key)")

_END_FROZEN = text(
    """
    select count(pg_terminate_backend(pid)) from pg_stat_activity
    where datname = current_database() and usename = current_user and state = 'active' and wait_event = 'ClientRead'
        and state_change < clock_timestamp() - make_interval(secs => :seconds)
    """
)
"""The driver prepares a statement and executes it afterwards. A process that is frozen in between counts as active, and
what it has locked stays so: the idle timeout is not for it, and a statement's limit waits for the next message.
"""

_log = structlog.get_logger(__name__)


class Rounds(ABC):
    """Runs in every worker; one of them acts at a time."""

    LOCK: ClassVar[int]
    """The key of its advisory lock, in the service's database."""
    CHANNEL: ClassVar[str]
    """Where commits notify that there is something to send."""
    NAME: ClassVar[str]
    """In metrics and logs."""
    GOES_FIRST: ClassVar[bool] = False
    """Whether other work of the process waits for it, or it for others."""

    def __init__(
        self,
        engine_url: str,
        publisher: Publishes,
        *,
        batch: int = 1_000,
        poll: timedelta = timedelta(seconds=0.5),
        frozen_after: timedelta = FROZEN_AFTER,
        precedence: Precedence | None = None,
        also: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        """`also` are called at what commits notify of on other channels, for who would need a connection to hear it."""
        self._precedence = precedence or Precedence()
        self._also = also or {}
        self._engine_url = engine_url
        self._frozen_after = frozen_after
        self._publisher = publisher
        self._batch = batch
        self._poll_s = poll.total_seconds()
        self._woken = asyncio.Event()
        self._interrupted = False
        self._keep_house_at = 0.0
        self._look_for_frozen_at = 0.0

    @abstractmethod
    async def _waiting(self, connection: AsyncConnection) -> tuple[Sequence[Waiting[int]], bool]:
        """At most a batch of what may be sent now; of each subject the earliest, in order.

        And whether others may wait beside it: who comes meanwhile wakes the next round.
        """

    @abstractmethod
    async def _mark(self, connection: AsyncConnection, sent: Sent[int]) -> None:
        """Writes down what was confirmed, and puts off what failed."""

    @abstractmethod
    async def _keep_house(self, connection: AsyncConnection) -> None:
        """Every few seconds: forgets what may be forgotten, and sets the gauges."""

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
                begun = monotonic()
                self._woken.clear()
                with self._precedence.taken() if self.GOES_FIRST else nullcontext():
                    more = True
                    while more:
                        if not self.GOES_FIRST:
                            await self._precedence.give_way(_GIVES_WAY_S)
                        more = await _to_its_end(self._round(connection))
                await self._wait()
                await asyncio.sleep(begun + _BREATH_S - monotonic())

    async def _listen(self, connection: AsyncConnection) -> None:
        """Wakes at the commit of a unit with news; a notification that is lost costs half a second."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        for channel in (self.CHANNEL, *self._also):
            await driver.add_listener(channel, self._hear)

    def _hear(self, _connection: object, _pid: int, channel: str, _payload: object) -> None:
        self._also.get(channel, self._woken.set)()

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._woken.wait()

    async def _round(self, connection: AsyncConnection) -> bool:
        """One transaction. True when there may be more to send at once."""
        if monotonic() >= self._look_for_frozen_at:
            self._look_for_frozen_at = monotonic() + _LOOK_FOR_FROZEN_EVERY_S
            async with connection.begin():
                await connection.execute(_END_FROZEN, {"seconds": self._frozen_after.total_seconds()})
        async with connection.begin():
            if not await connection.scalar(_TRY_LOCK, {"key": self.LOCK}):
                return False
            if monotonic() >= self._keep_house_at:
                self._keep_house_at = monotonic() + _KEEP_HOUSE_EVERY_S
                await self._keep_house(connection)
            waiting, others_wait = await self._waiting(connection)
            if not waiting:
                return False
            sent = await send_in_order(self._publisher, waiting)
            await self._mark(connection, sent)
        self._report(sent)
        settled = len(sent.confirmed) + len(sent.failed)
        return sent.away is None and settled > 0 and (others_wait or settled < len(waiting))

    def _report(self, sent: Sent[int]) -> None:
        RELAY_SENT.labels(self.NAME).inc(len(sent.confirmed))
        count_failures(self.NAME, sent.failed.values())
        if sent.away is not None:
            RELAY_INTERRUPTED.labels(self.NAME).inc()
        if (sent.away is not None) != self._interrupted:
            self._interrupted = sent.away is not None
            _log.warning("relay waits for the broker" if self._interrupted else "relay resumes", relay=self.NAME)

    def _log_failure(self, state: RetryCallState) -> None:
        RELAY_INTERRUPTED.labels(self.NAME).inc()
        error = state.outcome.exception() if state.outcome else None
        _log.warning("relay interrupted", relay=self.NAME, error=type(error).__name__)


def _own_engine(url: str, frozen_after: timedelta) -> AsyncEngine:
    """A connection of the relay's own, which PostgreSQL ends when its process is frozen or its machine is gone.

    Every round is planned anew: how much waits changes from nothing to thousands within a second, and a plan that was
    kept from when nothing did compares every waiting row with every other.
    """
    return create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={
            "timeout": 5,
            "command_timeout": 30,
            "server_settings": {
                "application_name": "muster-relay",
                "plan_cache_mode": "force_custom_plan",
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
