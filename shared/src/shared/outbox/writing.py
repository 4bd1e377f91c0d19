"""An event as it is written down: the envelope's JSON, made once, fast enough for tens of thousands in one unit."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from shared.clock import Clock
from shared.contracts.envelope import EventData
from shared.ids import Ids
from shared.observability import correlation


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """`payload` is the body to publish, an `Envelope` as JSON."""

    id: UUID
    type: str
    subject: str
    payload: bytes


class _Envelope(msgspec.Struct):
    """The members of `shared.contracts.envelope.Envelope`, around data that is JSON already."""

    id: UUID
    source: str
    type: str
    subject: str
    time: str
    organizationid: int
    data: msgspec.Raw
    correlationid: str | msgspec.UnsetType
    causationid: str | msgspec.UnsetType
    traceparent: str | msgspec.UnsetType
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


MAX_EVENT_BYTES = 512 * 1024
"""An event the broker refuses for its size would close the channel under all others."""

_encoder = msgspec.json.Encoder()


def write(event: EventData, *, source: str, clock: Clock, ids: Ids, causation_id: str | None = None) -> WrittenEvent:
    """The event under a new id, with the present time and the current trace. Raises ValueError when it is too large."""
    trace = correlation.current()
    event_id = ids.new()
    subject = event.subject()
    payload = _encoder.encode(
        _Envelope(
            id=event_id,
            source=source,
            type=event.type,
            subject=subject,
            time=clock.now().isoformat(),
            organizationid=event.organization_id,
            data=msgspec.Raw(event.__pydantic_serializer__.to_json(event)),
            correlationid=trace.correlation_id if trace else msgspec.UNSET,
            causationid=causation_id or msgspec.UNSET,
            traceparent=(trace and trace.traceparent) or msgspec.UNSET,
        )
    )
    if len(payload) > MAX_EVENT_BYTES:
        raise ValueError(f"{event.type} of {subject} is over {MAX_EVENT_BYTES} bytes")
    return WrittenEvent(event_id, event.type, subject, payload)
