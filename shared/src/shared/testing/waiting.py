"""Waiting for a condition, so that no test sleeps and hopes."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, cast

from shared.errors import ServiceUnavailable

T = TypeVar("T")

_SELDOM_S = 0.1
_PATIENCE_S = 180.0
"""More than the platform itself may take: two and a half minutes, to see that a connection of which it lost the end is
gone. What does not come true fails its test either way, so nobody gains by waiting for less.
"""


async def eventually(
    condition: Callable[[], T | Awaitable[T]],
    *,
    timeout: float = _PATIENCE_S,  # noqa: ASYNC109 - the failure says what was waited for
    interval: float = 0.02,
    why: str = "",
) -> T:
    """The first true answer of `condition`, asked every `interval` seconds. Fails after `timeout` seconds.

    What takes long is asked after less and less often, down to ten times a second: a question takes time from what is
    waited for.

    An AssertionError, OSError or ServiceUnavailable of the condition counts as "not yet".
    """
    began = time.monotonic()
    last: object = None
    while True:
        try:
            asked = condition()
            answer = await cast("Awaitable[T]", asked) if inspect.isawaitable(asked) else cast("T", asked)
            if answer:
                return answer
            last = answer
        except (AssertionError, OSError, ServiceUnavailable) as error:
            last = error
        waited = time.monotonic() - began
        if waited >= timeout:
            raise AssertionError(f"{why or 'the condition'} did not come true within {timeout} s; last: {last!r}")
        await asyncio.sleep(max(interval, min(waited / 20, _SELDOM_S)))
