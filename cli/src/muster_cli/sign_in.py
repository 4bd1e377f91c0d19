"""Who a request is made for: a person who signs in and whose tokens are renewed, or a key that stays as it is."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator

import httpx
from pydantic import BaseModel

from muster_cli import problems

_RENEW_BEFORE_S = 30.0
_TIMEOUT_S = 15.0


class TokenPair(BaseModel):
    """`expires_in` is the access token's life in seconds; a refresh token is good for one use."""

    access_token: str
    refresh_token: str
    expires_in: int


class SignIn(httpx.Auth, ABC):
    @abstractmethod
    async def bearer(self, *, renew: bool = False) -> str:
        """The token for what does not go through httpx; `renew` after it was refused. Raises CommandError."""


class KeySignIn(SignIn):
    """An API key, or any other token that somebody already has."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    async def bearer(self, *, renew: bool = False) -> str:
        """Stays the same: whoever has a key cannot renew it."""
        return self._token


class PasswordSignIn(SignIn):
    """Keeps one pair of tokens for all requests of a client; any number of requests may be under way.

    It signs in when the first request goes out, and renews the access token before it ends or when it is refused.
    """

    def __init__(self, server: str, email: str, password: str) -> None:
        self._server = server
        self._form = {"username": email, "password": password}
        self._pair: TokenPair | None = None
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """One request, after a sign-in where one is due, and once more after a 401. Raises CommandError."""
        for last in (False, True):
            async with self._lock:
                used = self._good()
                if used is None:
                    response = yield self._renewal()
                    if response.status_code == 401 and self._pair is not None:
                        self._pair = None
                        response = yield self._renewal()
                    await response.aread()
                    used = self._accept(response)
            request.headers["Authorization"] = f"Bearer {used.access_token}"
            response = yield request
            if last or response.status_code != 401:
                return
            if self._pair is used:
                self._renew_at = 0.0

    async def bearer(self, *, renew: bool = False) -> str:
        async with self._lock:
            used = None if renew else self._good()
            return (used or self._accept(await self._ask())).access_token

    async def _ask(self) -> httpx.Response:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
                response = await http.send(self._renewal())
                if response.status_code == 401 and self._pair is not None:
                    self._pair = None
                    response = await http.send(self._renewal())
                return response
        except httpx.HTTPError as error:
            raise problems.from_transport(error, self._server) from error

    def _good(self) -> TokenPair | None:
        """The pair, unless it is due to be renewed."""
        return self._pair if time.monotonic() < self._renew_at else None

    def _renewal(self) -> httpx.Request:
        if self._pair is None:
            return httpx.Request("POST", f"{self._server}/api/v2/auth/login", data=self._form)
        body = {"refresh_token": self._pair.refresh_token}
        return httpx.Request("POST", f"{self._server}/api/v2/auth/refresh", json=body)

    def _accept(self, response: httpx.Response) -> TokenPair:
        if response.status_code != 200:
            self._pair = None
            raise problems.from_response(response)
        pair = self._pair = TokenPair.model_validate_json(response.content)
        self._renew_at = time.monotonic() + max(pair.expires_in - _RENEW_BEFORE_S, pair.expires_in / 2)
        return pair
