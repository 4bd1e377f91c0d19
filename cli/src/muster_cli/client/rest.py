"""Requests over REST and what they answer: shapes, pages of shapes, pieces of a file, refusals."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from muster_cli import problems
from muster_cli.errors import BadUsage, Refused

M = TypeVar("M", bound=BaseModel)

_PAGE = 500


class _Page(BaseModel):
    items: list[dict[str, Any]]
    next: str | None = None


class Rest:
    """What all calls stand on. They raise Refused, or Unreachable when trying later may help."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _items(
        self, item: type[M], path: str, params: Mapping[str, object | None], *, limit: int | None
    ) -> AsyncIterator[M]:
        """Of a list, page by page; at most `limit` in all. A parameter that is None is not asked with."""
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            asked = {**params, "limit": min(left or _PAGE, _PAGE), "cursor": cursor}
            page = await self._call(_Page, "GET", path, params=asked)
            for found in page.items[:left]:
                yield self._shaped(item, found, path)
            left = None if left is None else left - len(page.items)
            cursor = page.next
            if cursor is None:
                return

    async def _call(self, answer: type[M], method: str, path: str, **request: Any) -> M:
        response = await self._send(method, path, **request)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError:
            raise _strange(path) from None

    async def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, path, **_without_none(request))
        except httpx.HTTPError as error:
            raise problems.from_transport(error, self._origin) from error
        except ValueError:
            raise BadUsage("what was given cannot be sent", "numbers are finite, and texts are UTF-8") from None
        if not response.is_success:
            raise problems.from_response(response)
        return response

    async def _pieces(self, path: str, params: Mapping[str, object | None]) -> AsyncIterator[bytes]:
        """A file, as it arrives. One that breaks off raises Unreachable."""
        try:
            async with self._http.stream("GET", path, **_without_none({"params": params})) as response:
                if not response.is_success:
                    await response.aread()
                    raise problems.from_response(response)
                async for piece in response.aiter_bytes():
                    yield piece
        except httpx.HTTPError as error:
            raise problems.from_transport(error, self._origin) from error

    @property
    def _origin(self) -> str:
        return str(self._http.base_url).rstrip("/")

    @staticmethod
    def _shaped(item: type[M], found: Mapping[str, Any], path: str) -> M:
        try:
            return item.model_validate(found)
        except ValidationError:
            raise _strange(path) from None


def _strange(path: str) -> Refused:
    return Refused(200, "unexpected_answer", f"{path} did not answer as Muster does", "check --server")


def _without_none(request: Mapping[str, Any]) -> dict[str, Any]:
    if not request.get("params"):
        return dict(request)
    return {**request, "params": {name: value for name, value in request["params"].items() if value is not None}}
