"""What a person's Ctrl-C does to a run: it ends in order, and at once when asked again."""

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Signals:
    """How many have come."""

    count: int = 0


@contextmanager
def answering(*steps: Callable[[], object]) -> Generator[Signals]:
    """The first SIGINT or SIGTERM calls the first step, the next one the next, and all further ones the last."""
    signals = Signals()

    def take() -> None:
        signals.count += 1
        steps[min(signals.count, len(steps)) - 1]()

    loop = asyncio.get_running_loop()
    for number in _NUMBERS:
        loop.add_signal_handler(number, take)
    try:
        yield signals
    finally:
        for number in _NUMBERS:
            loop.remove_signal_handler(number)
