"""Telemetry as devices send it: bodies of one sample each, with four metrics."""

import json
import random
import time
from collections.abc import Iterator, Sequence


def messages(uids: Sequence[str], count: int, *, boot: str) -> Iterator[tuple[str, bytes]]:
    """(routing key, body), the devices taking turns; `boot` makes the samples of one call differ from another's."""
    now = time.time_ns() // 1_000_000
    noise = random.Random(boot)  # noqa: S311 - figures to store, no secret
    for number in range(count):
        metrics = {
            "temperature": round(noise.gauss(21.0, 2.0), 2),
            "humidity": round(noise.gauss(55.0, 5.0), 1),
            "battery": round(noise.uniform(20.0, 100.0), 1),
            "vibration": round(abs(noise.gauss(0.0, 1.0)), 2),
        }
        sample = {"ts": now + number, "seq": number, "boot": boot, "metrics": metrics}
        yield f"devices.{uids[number % len(uids)]}.telemetry", json.dumps(sample, separators=(",", ":")).encode()
