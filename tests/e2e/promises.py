"""What the platform promises to do within a time, seen on a machine that may stand still for some of it."""

from collections.abc import Awaitable, Callable

_TRIES = 3


async def is_kept(within_s: float, taken_s: Callable[[], Awaitable[float]]) -> bool:
    """Whether it took no longer once of three times: a busy machine is late now and then, a broken promise always."""
    for _ in range(_TRIES):
        if await taken_s() <= within_s:
            return True
    return False
