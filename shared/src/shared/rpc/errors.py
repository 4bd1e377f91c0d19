"""Errors as gRPC statuses: the same that REST tells as problem documents, with the same stable code."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import grpc

from shared.errors import DomainError

CODE: Final = "code"
"""The trailing metadata that holds the stable code."""

_STATUSES: Final[Mapping[int, grpc.StatusCode]] = MappingProxyType(
    {
        400: grpc.StatusCode.INVALID_ARGUMENT,
        401: grpc.StatusCode.UNAUTHENTICATED,
        403: grpc.StatusCode.PERMISSION_DENIED,
        404: grpc.StatusCode.NOT_FOUND,
        409: grpc.StatusCode.FAILED_PRECONDITION,
        412: grpc.StatusCode.FAILED_PRECONDITION,
        413: grpc.StatusCode.INVALID_ARGUMENT,
        422: grpc.StatusCode.INVALID_ARGUMENT,
        429: grpc.StatusCode.RESOURCE_EXHAUSTED,
        503: grpc.StatusCode.UNAVAILABLE,
    }
)
_TAKEN: Final = "_taken"


class InvalidRequest(DomainError):
    """A message that is well formed and does not mean anything here."""

    status = 422
    code = "validation_failed"


class TooManyRequests(DomainError):
    status = 429
    code = "too_many_requests"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many requests; try again in {math.ceil(seconds)} s")


def status_of(error: DomainError) -> grpc.StatusCode:
    """Something that exists already is told apart from everything else that stands in the way."""
    if error.status == 409 and error.code.endswith(_TAKEN):
        return grpc.StatusCode.ALREADY_EXISTS
    return _STATUSES.get(error.status, grpc.StatusCode.INTERNAL)
