import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.cancellation import end
from shared.contracts.devices import DeviceRegistered
from shared.contracts.envelope import Envelope
from shared.contracts.routes import EVENTS_EXCHANGE
from shared.errors import DomainError, ServiceUnavailable
from shared.messaging.connection import Broker
from shared.messaging.consumer import EventConsumer
from shared.messaging.letters import REASON_HEADER, RETRIES_HEADER, ROUTING_KEY_HEADER
from shared.messaging.publisher import Message, Publisher
from shared.messaging.topology import MONITORING_FLEET_QUEUE, dead_letters_of
from shared.observability import correlation
from shared.testing import eventually

DEAD = dead_letters_of(MONITORING_FLEET_QUEUE)
FULL = timedelta(hours=1)
"""A linger after which only full batches are handled, however slowly their events come."""


class Handler:
    """Keeps the subjects it was given, and raises for those it is told to, always or once."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.raises: dict[str, Exception] = {}
        self.raises_once: dict[str, Exception] = {}
        self.traces: list[correlation.Trace | None] = []

    async def __call__(self, envelopes: Sequence[Envelope]) -> None:
        self.calls.append([envelope.subject for envelope in envelopes])
        self.traces.append(correlation.current())
        for envelope in envelopes:
            if error := self.raises_once.pop(envelope.subject, self.raises.get(envelope.subject)):
                raise error

    @property
    def seen(self) -> list[str]:
        return [subject for call in self.calls for subject in call]


class NotWanted(DomainError):
    status = 422
    code = "not_wanted"


class Raced(DomainError):
    status = 409
    code = "conflict"


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
async def consume(declared: Broker, handler: Handler):
    tasks: list[asyncio.Task[None]] = []

    def begin(**options) -> None:
        options = {"linger": timedelta(milliseconds=50)} | options
        consumer = EventConsumer(declared, MONITORING_FLEET_QUEUE, handler, **options)
        tasks.append(asyncio.create_task(consumer.run()))

    yield begin
    await end(tasks)


@pytest.fixture
def publish(publisher: Publisher):
    async def put(*subjects: str, event_id: UUID | None = None) -> None:
        for subject in subjects:
            envelope = Envelope(
                id=event_id or uuid4(),
                source="test",
                type=DeviceRegistered.type,
                subject=subject,
                time=datetime.now(UTC),
                organizationid=1,
                correlationid=f"because of {subject}",
                data={},
            )
            await publisher.publish(
                Message(EVENTS_EXCHANGE, envelope.type, envelope.encode(), message_id=str(envelope.id))
            )

    return put


async def test_events_that_wait_come_in_one_call_in_order(publish, handler: Handler, consume, raw):
    await publish("a", "b", "c")
    consume(batch=3, linger=FULL)
    await eventually(lambda: handler.seen)
    assert handler.calls == [["a", "b", "c"]]
    await eventually(lambda: _count(raw, MONITORING_FLEET_QUEUE, 0))


async def test_a_domain_error_sends_only_its_event_to_the_dead_letters(publish, handler: Handler, consume, raw):
    handler.raises["b"] = NotWanted("this device is not ours")
    await publish("a", "b", "c")
    consume(batch=3, linger=FULL)
    await eventually(lambda: _count(raw, DEAD, 1))
    assert handler.calls == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    letter = await raw.take(DEAD)
    assert Envelope.decode(letter.body).subject == "b"
    assert letter.header.properties.headers[REASON_HEADER] == "not_wanted: this device is not ours"
    assert letter.header.properties.headers[ROUTING_KEY_HEADER] == DeviceRegistered.type


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"id": 1}', b"\xff\xfe", b"[" * 100_000])
async def test_what_is_no_envelope_is_a_dead_letter_at_once(publish, handler: Handler, consume, raw, body: bytes):
    await raw.put(MONITORING_FLEET_QUEUE, body)
    await publish("good")
    consume()
    await eventually(lambda: _count(raw, DEAD, 1))
    letter = await raw.take(DEAD)
    assert letter.body == body
    assert letter.header.properties.headers[REASON_HEADER].startswith("unreadable envelope")
    assert handler.calls == [["good"]]


async def test_a_reason_holds_no_values_of_the_event(handler: Handler, consume, raw):
    await raw.put(MONITORING_FLEET_QUEUE, b'{"id": "hunter2", "source": 17}')
    consume()
    await eventually(lambda: _count(raw, DEAD, 1))
    letter = await raw.take(DEAD)
    assert "hunter2" not in letter.header.properties.headers[REASON_HEADER]


async def test_any_other_error_climbs_the_ladder_and_ends_among_the_dead_letters(
    publish, handler: Handler, consume, raw, short_ladder
):
    handler.raises["b"] = KeyError("hunter2")
    await publish("b")
    consume()
    await eventually(lambda: _count(raw, DEAD, 1))
    assert handler.calls == [["b"]] * (1 + len(short_ladder))
    letter = await raw.take(DEAD)
    headers = letter.header.properties.headers
    assert headers[REASON_HEADER] == "KeyError"
    assert headers[RETRIES_HEADER] == len(short_ladder)
    assert headers[ROUTING_KEY_HEADER] == DeviceRegistered.type
    assert letter.header.properties.message_id == str(Envelope.decode(letter.body).id)


async def test_an_event_put_off_comes_back_and_is_done(publish, handler: Handler, consume, raw):
    handler.raises_once["early"] = LookupError("its device is not known yet")
    await publish("early")
    consume()
    await eventually(lambda: len(handler.calls) == 2)
    assert await raw.ready(DEAD) == 0


async def test_a_lost_race_is_no_dead_letter(publish, handler: Handler, consume, raw):
    handler.raises_once["raced"] = Raced("again, please")
    await publish("raced")
    consume()
    await eventually(lambda: len(handler.calls) == 2)
    assert await raw.ready(DEAD) == 0


async def test_a_store_away_keeps_the_batch_in_place(publish, handler: Handler, consume, raw):
    handler.raises["b"] = ServiceUnavailable("the database is away")
    await publish("a", "b")
    consume(batch=2, linger=FULL)
    await eventually(lambda: len(handler.calls) >= 3)
    handler.raises.clear()
    await eventually(lambda: _count(raw, MONITORING_FLEET_QUEUE, 0))
    assert all(call == ["a", "b"] for call in handler.calls)
    assert await raw.ready(DEAD) == 0


async def test_an_event_alone_is_handled_under_its_correlation_id(publish, handler: Handler, consume):
    await publish("a")
    consume()
    await eventually(lambda: handler.traces)
    assert handler.traces == [correlation.Trace("because of a")]


async def test_a_reader_that_starts_late_has_missed_nothing(publish, handler: Handler, consume):
    await publish("before", "anyone", "listened")
    consume()
    await eventually(lambda: handler.seen == ["before", "anyone", "listened"])


@pytest.fixture
async def short_ladder(raw, monkeypatch) -> tuple[timedelta, ...]:
    """The first rungs only, and quick ones."""
    delays = tuple(timedelta(seconds=seconds) for seconds in (1, 5))
    monkeypatch.setattr("shared.messaging.letters.RETRY_DELAYS", delays)
    return delays


async def _count(raw, queue: str, count: int) -> bool:
    return await raw.ready(queue) == count
