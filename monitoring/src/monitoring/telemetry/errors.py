"""What can go wrong with reading telemetry."""

from shared.errors import DomainError


class BadTimeRange(DomainError):
    """The range of time asked for is empty."""

    status = 422
    code = "bad_time_range"

    def __init__(self) -> None:
        super().__init__("`from` must be before `to`")
