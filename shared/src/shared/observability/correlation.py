"""Ids that travel with a cause: set where a request or a message enters, read by logs, events and answers."""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Trace:
    """`correlation_id` is the same for everything one cause sets in motion; `traceparent` is W3C Trace Context."""

    correlation_id: str
    traceparent: str | None = None


_current: ContextVar[Trace | None] = ContextVar("muster_trace", default=None)


def current() -> Trace | None:
    return _current.get()


@contextmanager
def correlated(trace: Trace) -> Generator[None]:
    token = _current.set(trace)
    try:
        yield
    finally:
        _current.reset(token)
