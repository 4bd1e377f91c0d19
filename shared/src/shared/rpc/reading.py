"""A message that cannot be read is refused like any other; gRPC by itself says UNKNOWN and which error it met."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError
from grpc import aio

from shared.rpc.errors import CODE, InvalidRequest

Q = TypeVar("Q")
A = TypeVar("A")
Context = aio.ServicerContext[Any, Any]

_REFUSAL = "the message cannot be read as one of this call"


class ReadMessages(aio.ServerInterceptor):
    """For the services of these full names, whose streams of answers are generators."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable["grpc.RpcMethodHandler[Q, A] | None"]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Q, A] | None":
        handler = await continuation(handler_call_details)
        ours = str(handler_call_details.method).strip("/").partition("/")[0] in self._names
        return _refusing(handler) if ours and handler is not None else handler


def _refusing(handler: "grpc.RpcMethodHandler[Any, Any]") -> "grpc.RpcMethodHandler[Any, Any]":
    """The same, with None for a message that cannot be read until it is refused here."""
    told = {"request_deserializer": _or_none(handler), "response_serializer": handler.response_serializer}
    unary = cast("Callable[[Any, Context], Awaitable[Any]] | None", handler.unary_unary)
    streaming = cast("Callable[[Any, Context], AsyncIterator[Any]] | None", handler.unary_stream)
    gathering = cast("Callable[[AsyncIterator[Any], Context], Awaitable[Any]] | None", handler.stream_unary)
    if unary is not None:

        async def answer(request: Any, context: Context) -> Any:
            await _require(request, context)
            return await unary(request, context)

        return grpc.unary_unary_rpc_method_handler(answer, **told)
    if streaming is not None:

        async def answers(request: Any, context: Context) -> AsyncIterator[Any]:
            await _require(request, context)
            async for each in streaming(request, context):
                yield each

        return grpc.unary_stream_rpc_method_handler(answers, **told)
    if gathering is not None:

        async def answer_to_all(requests: AsyncIterator[Any], context: Context) -> Any:
            return await gathering(_each(requests), context)

        return grpc.stream_unary_rpc_method_handler(answer_to_all, **told)
    return handler


def _or_none(handler: "grpc.RpcMethodHandler[Any, Any]") -> Callable[[bytes], Any] | None:
    read = handler.request_deserializer
    if read is None:
        return None

    def read_or_none(message: bytes) -> Any:
        try:
            return read(message)
        except DecodeError:
            return None

    return read_or_none


async def _require(request: Any, context: Context) -> None:
    if request is None:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, _REFUSAL, ((CODE, InvalidRequest.code),))


async def _each(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        if request is None:
            raise InvalidRequest(_REFUSAL)
        yield request
