"""What can go wrong with jobs."""

from shared.errors import DomainError


class JobNotFound(DomainError):
    """There is none of that id (and run), or it is not the caller's: the answer is the same."""

    status = 404
    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("job not found")


class WrongJobState(DomainError):
    """The job cannot do this from the state it is in."""

    status = 409
    code = "wrong_job_state"

    def __init__(self, state: str, wanted: str) -> None:
        super().__init__(f"a job that is {state} cannot be {wanted}", state=state)


class NothingToRetry(DomainError):
    status = 409
    code = "nothing_to_retry"

    def __init__(self) -> None:
        super().__init__("no item of the job has failed")
