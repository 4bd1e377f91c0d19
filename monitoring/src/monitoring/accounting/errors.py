"""Why an account is not given."""

from shared.errors import DomainError


class TooManyDays(DomainError):
    """Adding up would take too much reading; the detail says what to ask for instead."""

    status = 422
    code = "too_much_asked"

    def __init__(self, most: int) -> None:
        super().__init__(f"an account adds up at most {most:,} days of devices: ask for fewer days or for one device")
