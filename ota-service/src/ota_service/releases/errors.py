"""What can go wrong with releases."""

from collections.abc import Sequence

from shared.errors import DomainError


class ReleaseNotFound(DomainError):
    """There is none of that name, or it is not the caller's: the answer is the same."""

    status = 404
    code = "release_not_found"

    def __init__(self) -> None:
        super().__init__("release not found")


class EntityNotFound(DomainError):
    """There is no such part of a release."""

    status = 404
    code = "entity_not_found"

    def __init__(self) -> None:
        super().__init__("there is no such release, wave, cluster, bundle or app")


class SlugTaken(DomainError):
    """Another release of the organization has parts of these names."""

    status = 409
    code = "slug_taken"

    def __init__(self, taken: Sequence[str]) -> None:
        super().__init__(f"{', '.join(taken)} exists already; choose another slug", taken=list(taken))


class WrongReleaseState(DomainError):
    """The release cannot do this from the state it is in."""

    status = 409
    code = "wrong_release_state"

    def __init__(self, state: str, target: str) -> None:
        super().__init__(f"a release that is {state} does not become {target}", state=state)


class ReleaseNotApproved(DomainError):
    """The release asks for an approval and has none."""

    status = 409
    code = "release_not_approved"

    def __init__(self) -> None:
        super().__init__("the release waits for the approval of one who holds updates:approve")


class GateClosed(DomainError):
    """A wave has failed its gate, and nothing about that has changed."""

    status = 409
    code = "gate_closed"

    def __init__(self, wave: str, detail: str) -> None:
        super().__init__(f"{detail}; retry its failed devices, roll back, or resume with ignore_failures", wave=wave)


class NothingToRetry(DomainError):
    status = 409
    code = "nothing_to_retry"

    def __init__(self) -> None:
        super().__init__("no device of the release has failed")
