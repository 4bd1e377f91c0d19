"""The root of every error a user can meet; a slice's `errors.py` derives from it. Nothing here knows a framework."""

from typing import Any, ClassVar


class DomainError(Exception):
    """A request that cannot be carried out, and why.

    `status` is the HTTP status that answers it and `code` the stable word a program can match on; `extra` adds
    members to the problem document (RFC 9457, section 3.2), `headers` to the answer.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad_request"
    keeps_changes: ClassVar[bool] = False
    """Whether the unit of work commits although the request is refused: the refusal itself changed something."""

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.extra = extra


class ServiceUnavailable(DomainError):
    """Something this call needs is away; the same call may succeed later."""

    status = 503
    code = "service_unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 2, **extra: Any) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)}, **extra)
