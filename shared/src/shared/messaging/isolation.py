"""Finding the messages that are to blame when a batch cannot be handled."""

from collections.abc import Awaitable, Callable, Sequence

from shared.messaging.deliveries import Delivery, Rejected
from shared.messaging.errors import is_away, reason_of

HandleBatch = Callable[[Sequence[Delivery]], Awaitable[Sequence[Rejected]]]

SUSPECT_AFTER = 5
"""Attempts at a whole batch before its messages are tried alone."""

CERTAIN_AFTER = 30
"""Attempts after which messages that all fail alone are to blame, and not their surroundings."""


async def isolate(handle: HandleBatch, deliveries: Sequence[Delivery], *, attempt: int) -> list[Rejected]:
    """Handles each delivery alone; those that fail while another succeeds are poison.

    When all fail nothing is proven, and the last error is raised until the attempt is CERTAIN_AFTER. Raises at once
    when what fails is something that is away.
    """
    rejected: list[Rejected] = []
    failures = 0
    last: Exception | None = None
    for index, delivery in enumerate(deliveries):
        try:
            rejected += [Rejected(index, poison.reason) for poison in await handle([delivery])]
        except Exception as error:
            if is_away(error):
                raise
            failures += 1
            last = error
            rejected.append(Rejected(index, reason_of(error)))
    if last is not None and failures == len(deliveries) and attempt < CERTAIN_AFTER:
        raise last
    return rejected
