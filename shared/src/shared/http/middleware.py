"""What happens around every request, as plain ASGI: ids, figures, the size limit, and errors that nobody foresaw."""

import re
import time
from collections.abc import Mapping
from types import MappingProxyType
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problem import Refuse, refuse
from shared.observability.correlation import Trace, correlated

_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_SECONDS = Histogram(
    "muster_http_request_seconds",
    "Time to answer a request, by route",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_REFUSED = Counter("muster_http_body_too_large_total", "Requests refused for the size of their body")

_log = structlog.get_logger(__name__)


class RequestContext:
    """Gives each request an id and a correlation id, returns both, and measures the answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = uuid4().hex
        given = headers.get("x-correlation-id", "")
        parent = headers.get("traceparent", "")
        trace = Trace(
            correlation_id=given if _ID.fullmatch(given) else request_id,
            traceparent=parent if _TRACEPARENT.fullmatch(parent) else None,
        )
        status = 500
        began = time.perf_counter()

        async def send_with_ids(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-Id"] = request_id
                answer["X-Correlation-Id"] = trace.correlation_id
            await send(message)

        with correlated(trace):
            try:
                await self._app(scope, receive, send_with_ids)
            finally:
                route = getattr(scope.get("route"), "path", "unmatched")
                _SECONDS.labels(scope["method"], route, str(status)).observe(time.perf_counter() - began)


class LastResort:
    """Answers 500 for an error that nobody foresaw, logs it, and hands it on to the server.

    The framework's own place for that lies around everything here: from there an answer would have neither ids nor what
    browsers ask of other origins, and its entry in the log no correlation id.
    """

    def __init__(self, app: ASGIApp, refuse: Refuse = refuse) -> None:
        self._app = app
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def noting_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as error:
            if not has_begun:
                _log.error("unexpected error", path=scope["path"], exc_info=error)
                detail = "something went wrong on our side; the X-Correlation-Id of this answer finds it in the logs"
                answer = self._refuse(scope["path"], 500, "internal_error", detail, {})
                await answer(scope, receive, send)
            raise


class BodyTooLarge(HTTPException):
    """The body is longer than this path takes."""

    # FastAPI lets only HTTPException through unchanged while a body is being read.
    status = 413
    code = "body_too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(self.status, f"a body holds at most {limit} bytes")


class BodyLimit:
    """Refuses a body over `limit` bytes with 413, by its declared length or as soon as it has grown past it.

    `by_path` holds the limits of paths, exactly as requested, that have one of their own.
    """

    def __init__(
        self, app: ASGIApp, limit: int, by_path: Mapping[str, int] = MappingProxyType({}), refuse: Refuse = refuse
    ) -> None:
        self._app = app
        self._limit = limit
        self._by_path = by_path
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._by_path.get(scope["path"], self._limit)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            _REFUSED.inc()
            refused = BodyTooLarge(limit)
            answer = self._refuse(scope["path"], refused.status, refused.code, refused.detail, {})
            await answer(scope, receive, send)
            return
        seen = 0

        async def limited_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                _REFUSED.inc()
                raise BodyTooLarge(limit)
            return message

        await self._app(scope, limited_receive, send)
