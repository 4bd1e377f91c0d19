"""What can go wrong with organizations."""

from shared.errors import DomainError


class OrganizationNotFound(DomainError):
    """There is none of that id, or it is not the caller's: the answer is the same."""

    status = 404
    code = "organization_not_found"

    def __init__(self) -> None:
        super().__init__("organization not found")


class SlugTaken(DomainError):
    """A slug is unique on the whole platform."""

    status = 409
    code = "organization_slug_taken"

    def __init__(self, slug: str) -> None:
        super().__init__(f"the slug {slug} is taken")


class OrganizationIsSuspended(DomainError):
    """Its people and devices are refused until it is reactivated."""

    status = 403
    code = "organization_suspended"

    def __init__(self) -> None:
        super().__init__("the organization is suspended")


class NotForOneself(DomainError):
    """Whoever suspends the own organization could never undo it."""

    status = 409
    code = "own_organization"

    def __init__(self) -> None:
        super().__init__("nobody suspends the organization they belong to")


class DeviceLimitReached(DomainError):
    """The organization has as many devices as it may have."""

    status = 409
    code = "device_limit_reached"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the organization may have {limit} devices and has as many", device_limit=limit)


class GatewaysRegisterNothing(DomainError):
    """The organization does not want gateways to bring devices it does not know."""

    status = 403
    code = "gateways_register_nothing"

    def __init__(self) -> None:
        super().__init__("the organization's setting gateways_register is off: register the device first")
