"""What every call does beside its work: say who calls, open a unit of work, and turn errors into statuses."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

import grpc
import structlog
from grpc import aio
from pydantic import ValidationError

from shared.errors import DomainError
from shared.http.principal import Principal, authenticate
from shared.http.rate_limit import Rates
from shared.http.scope import Scope, Scopes
from shared.rpc.errors import CODE, InvalidRequest, TooManyRequests, status_of
from shared.tokens import Audience, KeyRing

Context = aio.ServicerContext[Any, Any]

_log = structlog.get_logger(__name__)


class Calls:
    """Of the services of one process; `rates` are how many each caller may make, as over REST."""

    def __init__(self, scopes: Scopes, keys: KeyRing, rates: Rates) -> None:
        self._scopes = scopes
        self._keys = keys
        self._rates = rates

    async def caller(self, context: Context, *scopes: str) -> Principal:
        """The person or program whose token the metadata carries, if it holds these scopes.

        Raises Unauthenticated, Forbidden, TooManyRequests.
        """
        wait = self._rates.take(self._keys, _token(context), host_of(context.peer()))
        if wait:
            raise TooManyRequests(wait)
        return self.known(context, *scopes)

    def known(self, context: Context, *scopes: str) -> Principal:
        """The same without being counted: what a call that lasts asks, time and again, for a token may be revoked.

        Raises Unauthenticated, Forbidden.
        """
        who = authenticate(self._keys, _token(context), Audience.PEOPLE)
        who.require(*scopes)
        return who

    @asynccontextmanager
    async def unit(self) -> AsyncGenerator[Scope]:
        """A unit of work, which commits when the block ends."""
        async with self._scopes() as scope:
            yield scope

    def answering(self, context: Context) -> "_Answering":
        """Around all of a call: what it raises ends it with a status that tells no more than it should."""
        return _Answering(context)


class _Answering:
    """A class, for types to see that it swallows nothing: what follows the block is not reached after an error."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _: type[BaseException] | None, error: BaseException | None, __: object) -> None:
        match error:
            case DomainError():
                await _end(self._context, error)
            case ValidationError():
                await _end(self._context, InvalidRequest(first_of(error)))
            case aio.AbortError() | aio.BaseError():
                return
            case Exception():  # gRPC would tell the caller of it, word for word
                _log.error("unexpected error in a call", peer=self._context.peer(), exc_info=error)
                await self._context.abort(grpc.StatusCode.INTERNAL, "something went wrong on our side")
            case _:
                return


async def _end(context: Context, error: DomainError) -> None:
    await context.abort(status_of(error), error.detail, ((CODE, error.code),))


def _token(context: Context) -> str | None:
    for name, value in context.invocation_metadata() or ():
        if name == "authorization" and isinstance(value, str):
            scheme, _, token = value.partition(" ")
            return token.strip() if scheme.lower() == "bearer" else None
    return None


def host_of(peer: str) -> str:
    """Of a name as gRPC gives it: `ipv4:192.0.2.1:4711`, `ipv6:%5B2001:db8::1%5D:4711`."""
    return unquote(peer).partition(":")[2].rpartition(":")[0].strip("[]")


def first_of(error: ValidationError) -> str:
    """The first thing that is wrong, and where."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg']}" if place else found["msg"]
