"""What can go wrong on the way to the broker and back."""

from shared.errors import DomainError, ServiceUnavailable

_MAY_PASS = frozenset({409, 429})


class BrokerAway(ServiceUnavailable):
    """There is no usable connection to the broker; the message was not accepted."""

    code = "broker_away"


class PublishUnknown(ServiceUnavailable):
    """No confirm came in time, or the channel was lost before it: the message may or may not be in its queues."""

    code = "publish_unknown"


class PublishRefused(ServiceUnavailable):
    """The broker refused the message, for example because a queue is full. Nobody who needs it may have it."""

    code = "publish_refused"


class Unroutable(Exception):
    """No queue wants the message, and it was published as mandatory."""


class TopologyConflict(Exception):
    """An exchange or queue of the same name exists with other properties; the message names it."""


class TopologyMissing(Exception):
    """Exchanges or queues are not there; the message names them."""


def is_away(error: BaseException) -> bool:
    """Whether something the work needs is away, so that the same work may succeed later, unchanged."""
    return isinstance(error, ServiceUnavailable | OSError)


def is_permanent(error: BaseException) -> bool:
    """Whether the same message would fail again: a domain error that neither waiting nor another order can mend."""
    return isinstance(error, DomainError) and error.status < 500 and error.status not in _MAY_PASS


def reason_of(error: BaseException) -> str:
    """Words for logs and dead letters. Of unexpected errors only the kind: their text may hold values and secrets."""
    if isinstance(error, DomainError):
        return f"{error.code}: {error.detail}"
    return type(error).__name__
