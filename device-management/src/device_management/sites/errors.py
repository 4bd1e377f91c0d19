"""What can go wrong with sites."""

from shared.errors import DomainError


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
