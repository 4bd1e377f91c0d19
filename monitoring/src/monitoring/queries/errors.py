"""Why a question about telemetry is not answered."""

from shared.errors import DomainError


class TooMuchAsked(DomainError):
    """The answer would take too much reading; the detail says what to ask for instead."""

    status = 422
    code = "too_much_asked"


class OneScope(DomainError):
    """Devices, a group and a query exclude each other."""

    status = 422
    code = "one_scope"

    def __init__(self) -> None:
        super().__init__("name devices by one of `device_uid`, `group` and `rql`, or none for the whole fleet")
