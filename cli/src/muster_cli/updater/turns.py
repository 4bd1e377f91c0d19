"""How much the devices of one process ask of the platform at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ClassVar

import httpx


class Turns:
    """Short calls and downloads wait for turns of their own, so that slow downloads hold no report back."""

    CALLS: ClassVar[int] = 16
    DOWNLOADS: ClassVar[int] = 16

    def __init__(self) -> None:
        self.call = asyncio.Semaphore(self.CALLS)
        self.download = asyncio.Semaphore(self.DOWNLOADS)

    @classmethod
    @asynccontextmanager
    async def open(cls, server: str, *, timeout_s: float = 30.0) -> AsyncGenerator[tuple[httpx.AsyncClient, "Turns"]]:
        """The one HTTP client of all devices in this process, with a connection for each turn."""
        limits = httpx.Limits(max_connections=cls.CALLS + cls.DOWNLOADS)
        async with httpx.AsyncClient(base_url=server, limits=limits, timeout=timeout_s) as http:
            yield http, cls()
