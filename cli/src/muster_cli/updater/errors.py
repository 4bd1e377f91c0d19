"""How an update can stop, seen from the device."""


class UpdateFailed(Exception):
    """It cannot be installed. The text is what the device reports: `code`, a colon, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SessionOver(Exception):
    """The platform has ended the session, or it never was this device's: there is nothing left to do or to report."""


class PlatformError(Exception):
    """No way to go on now. What was reached is remembered, and the next look at the platform goes on from there."""


class PlatformAway(PlatformError):
    """The same request may succeed later, and not before `retry_after_s` where that is known."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
