"""Events of other services, as their relays publish them."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.contracts.envelope import Envelope, EventData
from shared.messaging.messages import Message
from shared.outbox.order import event_message


def envelope(data: EventData, *, source: str = "/device-management") -> Envelope:
    return Envelope(
        id=uuid4(),
        source=source,
        type=data.type,
        subject=data.subject(),
        time=datetime.now(UTC),
        organizationid=data.organization_id,
        data=data.model_dump(mode="json"),
    )


def published(event: Envelope) -> Message:
    return event_message(str(event.id), event.type, event.encode())
