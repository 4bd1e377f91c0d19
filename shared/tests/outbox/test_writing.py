import json
from datetime import UTC, datetime
from typing import Any
from uuid import RFC_4122, UUID

import pytest

from shared.clock import FixedClock
from shared.contracts.envelope import Envelope
from shared.ids import RandomIds
from shared.observability.correlation import Trace, correlated
from shared.outbox import writing
from shared.outbox.writing import write, write_encoded, write_plain

from .harness import registered

NOW = datetime(2026, 11, 21, 4, 5, 6, 789, tzinfo=UTC)
CAUSE = str(UUID(int=7))


def test_what_is_written_is_the_envelope_of_the_contracts():
    event = registered(
        "pump-7", attributes={"type": "gateway", "none": None, "deep": {"ü": [1, 2.5, None]}}, name="\u0000"
    )
    with correlated(Trace("because", "00-trace-01")):
        written = write(event, source="test", clock=FixedClock(NOW), ids=RandomIds(), causation_id=CAUSE)
    envelope = Envelope.decode(written.payload)
    assert envelope == Envelope(
        id=written.id,
        source="test",
        type="device.registered.v1",
        subject="device/pump-7",
        time=NOW,
        organizationid=1,
        correlationid="because",
        causationid=CAUSE,
        traceparent="00-trace-01",
        data=event.model_dump(mode="json"),
    )
    assert type(event).model_validate(envelope.data) == event


def test_what_is_not_known_is_left_out():
    written = write(registered("pump-7"), source="test", clock=FixedClock(NOW), ids=RandomIds())
    assert b"correlationid" not in written.payload
    assert b'"specversion":"1.0"' in written.payload
    assert b'"datacontenttype":"application/json"' in written.payload


def test_an_event_too_large_for_the_broker_is_refused_where_it_is_made():
    event = registered("pump-7", attributes={"text": "x" * writing.MAX_EVENT_BYTES})
    with pytest.raises(ValueError, match=r"device\.registered\.v1 of device/pump-7 is over"):
        write(event, source="test", clock=FixedClock(NOW), ids=RandomIds())


def test_what_is_written_by_the_thousand_is_written_as_one_alone():
    """Of each way: an event alone, and data that are known to be sound or are JSON already."""
    event = registered("pump-7", attributes={"deep": {"ü": [1, 2.5, None]}})
    data = event.model_dump(mode="json")
    at: dict[str, Any] = {"source": "test", "clock": FixedClock(NOW), "ids": RandomIds()}
    with correlated(Trace("because", "00-trace-01")):
        alone = write(event, **at)
        plain = write_plain(type(event), [(event.subject(), data)] * 2, **at)
        encoded = write_encoded(type(event), 1, [(event.subject(), json.dumps(data).encode())] * 2, **at)
    ids = {written.id for written in (alone, *plain, *encoded)}
    assert len(ids) == 5
    for written in (*plain, *encoded):
        assert Envelope.decode(written.payload) == Envelope.decode(alone.payload).model_copy(update={"id": written.id})
        assert written._replace(id=alone.id, payload=alone.payload) == alone


def test_ids_made_at_once_are_random_as_those_made_one_by_one():
    ids = RandomIds().many(1_000)
    assert len(set(ids)) == 1_000
    assert {(one.version, one.variant) for one in ids} == {(4, RFC_4122)}
    assert RandomIds().many(0) == []
