"""What can go wrong with organizations."""

from shared.errors import DomainError


class OrganizationNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "organization_not_found"

    def __init__(self) -> None:
        super().__init__("organization not found")
