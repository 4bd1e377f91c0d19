"""The platform's REST interface for one device. Answers are read up to a limit; nothing is followed elsewhere."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay, wait_random_exponential

from muster_cli.updater.errors import PlatformAway, PlatformError, SessionOver, UpdateFailed
from muster_cli.updater.link import AnyLink, Link
from muster_cli.updater.offers import Offer
from muster_cli.updater.turns import Turns

T = TypeVar("T")

_MAX_ANSWER_BYTES = 64 * 1024
_AWAY = frozenset({408, 425, 429})
_OVER = frozenset({404, 409, 410})
_DAMAGED = "firmware_damaged"


@dataclass(frozen=True)
class Patience:
    """How long to go on asking a platform that is away: waits double from `first_s` to `longest_s`, with jitter."""

    first_s: float = 0.5
    longest_s: float = 30.0
    give_up_s: float = 3600.0


class _Problem(BaseModel):
    code: str = ""


@dataclass(frozen=True)
class UpdateClient:
    """Calls of one device. A platform that is away is asked again until patience ends.

    Every method waits for the link, and raises PlatformError. Of many devices in one process `turns` lets a few call
    at once.
    """

    http: httpx.AsyncClient
    uid: str
    token: str = field(repr=False)
    turns: Turns
    patience: Patience = field(default_factory=Patience)
    link: Link = field(default_factory=AnyLink)

    async def next_offer(self) -> Offer | None:
        """What waits for this device; None also while the platform does not know the device."""
        try:
            content = await self._patiently(lambda: self._call("GET", f"{self._updates}/next"))
            return None if content is None else Offer.model_validate_json(content)
        except SessionOver:
            return None
        except ValidationError:
            raise PlatformError("the platform's offer cannot be read") from None

    async def report(self, session_id: str, step: str, **detail: object) -> None:
        """Tells how far it is: `step` ends the path, ack or cancelled for example. Raises SessionOver."""
        path = f"{self._updates}/{quote(session_id, safe='')}/{step}"
        await self._patiently(lambda: self._call("POST", path, json=detail))

    async def report_once(self, session_id: str, step: str, **detail: object) -> None:
        """The same for what may be lost: a platform that is away is not asked again."""
        try:
            await self._call("POST", f"{self._updates}/{quote(session_id, safe='')}/{step}", json=detail)
        except PlatformAway:
            return

    @asynccontextmanager
    async def image(self, path: str, *, start: int, etag: str | None) -> AsyncGenerator[httpx.Response]:
        """The image at `path` from byte `start` on, if it still is the one of `etag`, else from its first byte.

        Raises SessionOver, and UpdateFailed when the platform itself no longer has it whole.
        """
        headers = {"Accept-Encoding": "identity"}
        if start and etag is not None:
            headers |= {"Range": f"bytes={start}-", "If-Range": etag}
        response = await self._patiently(lambda: self._open(path, headers))
        try:
            yield response
        finally:
            await response.aclose()

    @property
    def _updates(self) -> str:
        return f"/api/v2/device/{self.uid}/updates"

    async def _open(self, path: str, headers: dict[str, str]) -> httpx.Response:
        await self.link.up()
        request = self.http.build_request("GET", path, headers=self._authorization | headers)
        try:
            response = await self.http.send(request, stream=True)
        except httpx.HTTPError as error:
            raise PlatformAway(f"no answer: {type(error).__name__}") from error
        if response.status_code not in {200, 206, 416}:
            try:
                await _refuse(response)
            finally:
                await response.aclose()
        return response

    async def _call(self, method: str, path: str, **request: Any) -> bytes | None:
        """The answer's body; None for 204. Raises SessionOver or PlatformError."""
        await self.link.up()
        try:
            async with (
                self.turns.call,
                self.http.stream(method, path, headers=self._authorization, **request) as response,
            ):
                if response.status_code == 204:
                    return None
                if response.status_code == 200:
                    return await _read(response)
                await _refuse(response)
        except httpx.HTTPError as error:
            raise PlatformAway(f"no answer: {type(error).__name__}") from error

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        async def attempt() -> T:
            # tenacity awaits coroutine functions alone, not what merely returns an awaitable
            return await call()

        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PlatformAway),
            wait=self._wait,
            stop=stop_after_delay(self.patience.give_up_s),
            reraise=True,
        )
        return await retrying(attempt)

    def _wait(self, state: RetryCallState) -> float:
        """What the platform asks for, and jitter on top, so that a fleet does not come back in step."""
        jitter = wait_random_exponential(multiplier=self.patience.first_s, max=self.patience.longest_s)(state)
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after_s if isinstance(error, PlatformAway) else None
        return jitter + min(asked or 0.0, self.patience.longest_s)

    @property
    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def _refuse(response: httpx.Response) -> NoReturn:
    """Raises what an answer without success means for an update."""
    status = response.status_code
    try:
        problem = _Problem.model_validate_json(await _read(response))
    except (ValidationError, httpx.HTTPError, PlatformError):
        problem = _Problem()
    if problem.code == _DAMAGED:
        raise UpdateFailed(_DAMAGED, "the platform does not have the image whole")
    if status in _AWAY or status >= 500:
        after = response.headers.get("Retry-After", "")
        raise PlatformAway(f"the platform answered {status}", float(after) if after.isdecimal() else None)
    error = SessionOver if status in _OVER else PlatformError
    raise error(f"the platform answered {status} {problem.code}".rstrip())


async def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_ANSWER_BYTES:
            raise PlatformError(f"the platform's answer is longer than {_MAX_ANSWER_BYTES} bytes")
    return bytes(content)
