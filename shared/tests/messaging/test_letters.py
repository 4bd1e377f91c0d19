"""What a dead letter says of where it came from."""

import pytest

from shared.messaging.deliveries import Delivery
from shared.messaging.letters import ROUTING_KEY_HEADER, Letters

FORGED = {ROUTING_KEY_HEADER: "devices.pump-2.telemetry"}


class Recorder:
    def __init__(self):
        self.messages = []

    async def publish_all(self, messages):
        self.messages += messages
        return [None] * len(messages)


@pytest.mark.parametrize(
    ("came_by", "kept"),
    [("devices.pump-1.telemetry", "devices.pump-1.telemetry"), ("monitoring.telemetry", "devices.pump-2.telemetry")],
)
async def test_a_device_cannot_say_that_its_message_came_as_anothers(came_by, kept):
    """The header counts for what comes down the retry ladder, by the queue's own name, and for nothing else."""
    recorder = Recorder()
    delivery = Delivery(b"{", came_by, "m1", FORGED, redelivered=False, timestamp=None)
    await Letters(recorder, "monitoring.telemetry").bury([(delivery, "bad: it is")])
    assert recorder.messages[0].headers[ROUTING_KEY_HEADER] == kept
