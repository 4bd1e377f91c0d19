"""A message that cannot be read ends its call with a status of ours, in every kind of call."""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, cast

import grpc
import pytest
from grpc import aio

from device_management.device_calls.rpc import SERVICE_NAME

Metadata = tuple[tuple[str, str]]


async def ending(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str | None, str | None]:
    with pytest.raises(aio.AioRpcError) as failure:
        await call
    error = failure.value
    return error.code(), cast("Any", dict(error.trailing_metadata() or ())).get("code"), error.details()


@pytest.mark.parametrize("message", [b"\xff\xff\xff", b"\x0a\x02\xff\xfe"], ids=["not protobuf", "not UTF-8"])
async def test_what_is_no_message_of_the_call_is_an_invalid_argument(
    channel: aio.Channel, mine: Metadata, message: bytes
):
    async def messages() -> AsyncIterator[bytes]:
        yield message

    def call(kind: str, name: str, request: Any) -> Any:
        return getattr(channel, kind)(f"/{SERVICE_NAME}/{name}")(request, metadata=mine)

    async def all_of(answers: Any) -> list[Any]:
        return [answer async for answer in answers]

    told = [
        await ending(call("unary_unary", "GetDeviceInfo", message)),
        await ending(all_of(call("unary_stream", "StreamDevices", message))),
        await ending(call("stream_unary", "RegisterDevices", messages())),
    ]
    reason = "the message cannot be read as one of this call"
    assert told == [(grpc.StatusCode.INVALID_ARGUMENT, "validation_failed", reason)] * len(told)
