"""Ending tasks although a cancellation may get lost on its way.

Python 3.11's `asyncio.wait_for` drops a cancellation that meets the result it waits for (python/cpython#86296, mended
in 3.12), and the drivers of MongoDB, RabbitMQ and Redis use it. A task that goes on by itself would go on for ever.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 10.0
"""Longer than anything drains, so that a task that ends in order is left to it."""


def is_cancelled() -> bool:
    """Whether the current task has been told to end: what a loop without an end asks at every turn."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels tasks until all have ended, again every `AGAIN_S` seconds. How they ended is not told."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
