"""What can go wrong with a batch."""

from shared.errors import DomainError


class BatchNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "batch_not_found"

    def __init__(self) -> None:
        super().__init__("batch not found")


class BatchTooLarge(DomainError):
    status = 413
    code = "batch_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"a batch holds at most {limit} devices; divide it, or make a release", limit=limit)


class WrongBatchState(DomainError):
    """The batch cannot do this from the state it is in."""

    status = 409
    code = "wrong_batch_state"

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"a batch that is {state} cannot be {wanted}", state=state)


class NothingToRetry(DomainError):
    status = 409
    code = "nothing_to_retry"

    def __init__(self) -> None:
        super().__init__("no device of the batch has failed")


class BatchOfRelease(DomainError):
    """A release carries the batch on, and nobody else does anything with it."""

    status = 409
    code = "batch_of_release"

    def __init__(self) -> None:
        super().__init__("the batch belongs to a release; act on the release")
