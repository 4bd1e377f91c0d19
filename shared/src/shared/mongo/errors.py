"""MongoDB's failures in the words of the rest of the code."""

from collections.abc import Generator
from contextlib import contextmanager

from pymongo.errors import (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    PyMongoError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)

from shared.errors import ServiceUnavailable

_AWAY = (
    ConnectionFailure,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    ServerSelectionTimeoutError,
    WaitQueueTimeoutError,
    WTimeoutError,
)


class StoreAway(ServiceUnavailable):
    """The document store does not answer; the same call may succeed later."""

    code = "store_away"


@contextmanager
def store_errors() -> Generator[None]:
    """Turns what the driver raises when the store is away into StoreAway.

    Every call to the driver stands in one: `with store_errors(): await samples.insert_many(...)`
    """
    try:
        yield
    except _AWAY as error:
        raise StoreAway("the document store is away") from error
    except PyMongoError as error:
        if error.has_error_label("RetryableWriteError") or error.has_error_label("TransientTransactionError"):
            raise StoreAway("the document store could not take this now") from error
        raise
