"""A whole fleet loses its connections at once and comes back within a minute: until when presence shows all of it.

Each device is a real connection over MQTT, which device-management lets in.
"""

import asyncio
import json
from pathlib import Path

from benchmarks import child
from benchmarks.figures import Aim, Figure, Row
from benchmarks.platform import Platform

_PREFIX = "back"
_AIM_S = 90.0


async def measure(platform: Platform, *, count: int, spread_s: float) -> Row:
    """`count` devices that come back at random moments within `spread_s` seconds."""
    tokens = await platform.introduce(_PREFIX, count)
    credentials = Path(platform.stack.layout.root) / "benchmark" / "reconnecting.json"
    credentials.parent.mkdir(exist_ok=True)
    await asyncio.to_thread(credentials.write_text, json.dumps(tokens))
    address = platform.mqtt
    found = await child.run(
        "reconnecting",
        host=address.host,
        port=address.port,
        credentials=str(credentials),
        mongodb=platform.info["mongodb"],
        spread_s=spread_s,
    )
    back = Figure("from the loss of all connections to the last device online again", "s", [found["back_s"]])
    told = Figure("to the last of the events that tell of it", "s", [found["told_s"]])
    facts = {
        "devices": count,
        "within_s": spread_s,
        "logins_tried_again": found["tried_again"],
        "lost_again": found["lost"],
    }
    return Row("A fleet reconnects", [back, told], [Aim(back, _AIM_S)], facts)
