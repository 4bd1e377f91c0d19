"""Why telemetry over HTTP is not taken."""

from shared.errors import DomainError


class TelemetryTooLarge(DomainError):
    status = 413
    code = "body_too_large"


class UnreadableTelemetry(DomainError):
    """The body is not one sample or a list of them."""

    status = 422
    code = "unreadable_telemetry"
