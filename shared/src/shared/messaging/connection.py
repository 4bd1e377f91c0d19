"""Two AMQP connections to the broker, one to publish and one to consume, opened again whenever they are lost.

Two, because an alarm of the broker (memory, disk) stops reading from connections that publish. Nothing here replays
anything: who holds a channel sees it die, and with it every delivery tag and every confirm that was still to come.
"""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import aiormq
import structlog
from aiormq.abc import AbstractChannel, AbstractConnection
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from shared.cancellation import end, is_cancelled
from shared.messaging.discretion import keep_bodies_out_of_logs
from shared.messaging.errors import BrokerAway, reason_of
from shared.messaging.metrics import BROKER_CONNECTED
from shared.messaging.properties import survive_strangers
from shared.messaging.reception import Reception, Transport

HEARTBEAT_S = 10
_CONNECT_S = 10.0
_CLOSE_S = 3.0
_RECONNECT_AT_MOST_S = 5.0

_log = structlog.get_logger(__name__)


class _Connection(aiormq.Connection):
    def __init__(self, url: str) -> None:
        transport = Transport()
        self.reception = transport.reception
        super().__init__(url, transport_factory=transport)


class Link:
    """One connection that is opened again whenever it is lost, until `keep_open` is cancelled."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = _with_query(url, name)
        self._connection: AbstractConnection | None = None
        self._open = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._open.is_set()

    def current(self) -> AbstractConnection:
        """The open connection. Raises BrokerAway when there is none."""
        if self._connection is None or self._connection.is_closed:
            raise BrokerAway("the broker is away")
        return self._connection

    async def opened(self) -> AbstractConnection:
        """Waits for an open connection, as long as it takes."""
        while True:
            await self._open.wait()
            if self._connection is not None and not self._connection.is_closed:
                return self._connection
            await asyncio.sleep(0)

    async def lost(self) -> None:
        """Waits until the present connection is gone; returns at once when there is none."""
        if self._connection is not None:
            await asyncio.wait([closing(self._connection)])

    @asynccontextmanager
    async def channel(self, *, prefetch: int = 0) -> AsyncGenerator[AbstractChannel]:
        """A channel without confirms, as soon as there is a connection. Raises BrokerAway when it cannot be opened."""
        connection = await self.opened()
        with broker_errors():
            channel = await connection.channel(publisher_confirms=False)
        try:
            if prefetch:
                with broker_errors():
                    await channel.basic_qos(prefetch_count=prefetch)
            yield channel
        finally:
            with suppress(Exception):
                async with asyncio.timeout(_CLOSE_S):
                    await channel.close()

    async def keep_open(self) -> None:
        """Runs until cancelled; closes the connection then."""
        try:
            while True:
                self._connection = await self._connect()
                self._open.set()
                BROKER_CONNECTED.labels(self.name).set(1)
                _log.info("broker connected", connection=self.name)
                await self.lost()
                self._open.clear()
                BROKER_CONNECTED.labels(self.name).set(0)
                _log.warning("broker connection lost", connection=self.name)
        finally:
            self._open.clear()
            BROKER_CONNECTED.labels(self.name).set(0)
            await self._close()

    async def _connect(self) -> AbstractConnection:
        attempts = AsyncRetrying(
            retry=retry_if_exception_type(Exception),
            wait=wait_random_exponential(multiplier=0.2, max=_RECONNECT_AT_MOST_S),
            before_sleep=self._log_attempt,
        )
        async for attempt in attempts:
            with attempt, broker_errors():
                async with asyncio.timeout(_CONNECT_S):
                    connection = _Connection(self._url)
                    await connection.connect()  # pyright: ignore[reportUnknownMemberType]  # aiormq says FieldTable
                    return connection
        raise AssertionError("attempts never end")

    def _log_attempt(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        _log.warning(
            "broker away", connection=self.name, attempt=state.attempt_number, reason=error and reason_of(error)
        )

    async def _close(self) -> None:
        if self._connection is None or self._connection.is_closed:
            return
        with suppress(Exception):
            async with asyncio.timeout(_CLOSE_S):
                await self._connection.close()


class Broker:
    """The way to one virtual host of the broker."""

    def __init__(self, publishing: Link, consuming: Link) -> None:
        self.publishing = publishing
        self.consuming = consuming

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, name: str) -> AsyncGenerator["Broker"]:
        """Starts connecting and yields at once: a broker that is away is waited for by who needs it.

        `name` is shown in the broker's management pages. Closing takes a few seconds at most.
        """
        survive_strangers()
        keep_bodies_out_of_logs()
        broker = cls(Link(url, f"{name}.publishing"), Link(url, f"{name}.consuming"))
        keepers = [asyncio.create_task(link.keep_open()) for link in (broker.publishing, broker.consuming)]
        try:
            yield broker
        finally:
            await end(keepers)

    async def check(self) -> None:
        """For readiness. Raises BrokerAway unless both connections are open."""
        self.publishing.current()
        self.consuming.current()


@contextmanager
def broker_errors() -> Generator[None]:
    """Turns what aiormq raises when a channel or connection fails into BrokerAway.

    When a heartbeat is missed aiormq answers everything that waits with CancelledError, though nobody cancelled the
    task that waits: without this the task would end in silence.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise BrokerAway("the connection to the broker was lost") from error
    except TimeoutError:
        raise
    except aiormq.ChannelNotFoundEntity as error:
        raise BrokerAway(f"the broker lacks something that was to be declared: {error}") from error
    except (aiormq.AMQPError, aiormq.ChannelInvalidStateError, OSError, EOFError) as error:
        raise BrokerAway(f"the broker is away: {type(error).__name__}") from error
    except RuntimeError as error:
        if "closed" not in str(error):
            raise
        raise BrokerAway("the connection to the broker was lost") from error


def closing(resource: AbstractChannel | AbstractConnection) -> asyncio.Future[None]:
    """Done once the channel or connection is closed, whyever."""
    return resource.closing  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # aiormq says Future


def reception_of(channel: AbstractChannel) -> Reception:
    """What the channel's connection receives; the channel is a `Link`'s."""
    connection = channel.connection
    if not isinstance(connection, _Connection):
        raise TypeError("a channel of a connection that is not ours")
    return connection.reception


def _with_query(url: str, name: str) -> str:
    parts = urlsplit(url)
    query = {"heartbeat": str(HEARTBEAT_S), **dict(parse_qsl(parts.query)), "name": name}
    return urlunsplit(parts._replace(query=urlencode(query)))
