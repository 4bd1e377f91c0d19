"""What can go wrong with configuration."""

from shared.errors import DomainError


class ConfigurationTooLarge(DomainError):
    """What a device is to be set to would not fit into one command."""

    status = 422
    code = "configuration_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"a configuration holds at most {limit} bytes of JSON")
