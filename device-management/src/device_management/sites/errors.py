"""What can go wrong with sites."""

from collections.abc import Sequence

from shared.errors import DomainError

_NAMED = 20


class SiteNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "site_not_found"

    def __init__(self) -> None:
        super().__init__("site not found")


class SiteNameTaken(DomainError):
    """A name is unique within an organization."""

    status = 409
    code = "site_name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a site named {name} already")


class UnacceptableTemplate(DomainError):
    """The topic template names no device, or is no topic; the detail says why."""

    status = 422
    code = "unacceptable_topic_template"


class UnknownDevices(DomainError):
    """Some of the named devices are not there; none was moved. `unknown` names the first of them."""

    status = 422
    code = "unknown_devices"

    def __init__(self, unknown: Sequence[str]) -> None:
        super().__init__(f"{len(unknown)} of the devices are not there; nothing was changed", unknown=unknown[:_NAMED])
