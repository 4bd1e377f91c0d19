"""Events, and a publisher that remembers."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import SystemClock
from shared.contracts.devices import DeviceRegistered
from shared.contracts.envelope import Envelope
from shared.ids import RandomIds
from shared.messaging.errors import PublishRefused
from shared.messaging.publisher import Message
from shared.outbox.outbox import Outbox


def outbox_of(session: AsyncSession) -> Outbox:
    return Outbox(session, source="test", clock=SystemClock(), ids=RandomIds())


def registered(uid: str, version: int = 1, **changes: object) -> DeviceRegistered:
    now = datetime.now(UTC)
    return DeviceRegistered.model_validate(
        {
            "organization_id": 1,
            "version": version,
            "device_id": 1,
            "device_uid": uid,
            "lifecycle": "deployed",
            "min_token_generation": 0,
            "registered_at": now,
            "updated_at": now,
            **changes,
        }
    )


class Recorded:
    """A publisher that keeps what it confirms, refuses the subjects it is told to, and waits at its gate."""

    def __init__(self) -> None:
        self.events: list[Envelope] = []
        self.refuses: dict[str, Exception] = {}
        self.refuses_once: list[str] = []
        self.asked = 0
        self.under_way = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def subjects(self) -> list[str]:
        return [event.subject.removeprefix("device/") for event in self.events]

    async def publish_all(self, messages: Sequence[Message]) -> list[Exception | None]:
        self.asked += 1
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await self.gate.wait()
            return [self._outcome(Envelope.decode(message.body)) for message in messages]
        finally:
            self.under_way -= 1

    def _outcome(self, event: Envelope) -> Exception | None:
        uid = event.subject.removeprefix("device/")
        refused = self.refuses.get(uid)
        if uid in self.refuses_once:
            self.refuses_once.remove(uid)
            refused = PublishRefused("once")
        if refused is None:
            self.events.append(event)
        return refused
