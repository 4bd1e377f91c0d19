"""What the platform says that it received of a fleet: its own account, asked for until it has caught up."""

import asyncio
import time
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from muster_cli.client import MusterClient
from muster_cli.errors import Refused, Unreachable

_DAY = timedelta(days=1)
_CLOCKS_ARE_OFF_BY = 3 * _DAY
_LEAST_PAUSE_S = 2.0
_PAUSES = 2.0
"""So many times as long as an answer took: the account of many devices is no small question."""


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the account of everything, and for any answer."""

    all_s: float
    any_s: float


class Receipts:
    """Counts what came after `begin`: samples that were stored, and those that were too old to be."""

    def __init__(self, client: MusterClient, uids: Set[str]) -> None:
        self._client = client
        self._uids = uids
        self._before: Mapping[str, int] = {}
        self._first = (datetime.now(UTC) - _CLOCKS_ARE_OFF_BY).date()
        self.received: int | None = None
        """By the platform's last answer; None while there was none."""

    async def begin(self, *, all_are_new: bool) -> None:
        """Before anything is sent. Raises CommandError."""
        self._before = {} if all_are_new else await self._counted()

    async def collect(self, expected: int, patience: Patience) -> None:
        """Asks until `expected` samples are there, or patience ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(patience.all_s, patience.any_s)):
                await self._collect(expected, time.monotonic() + patience.all_s)

    async def _collect(self, expected: int, deadline: float) -> None:
        while self.received is None or time.monotonic() < deadline:
            asked = time.monotonic()
            try:
                counted = await self._counted()
            except (Refused, Unreachable):
                counted = None
            if counted is not None:
                self.received = sum(count - self._before.get(uid, 0) for uid, count in counted.items())
                if self.received >= expected:
                    return
            now = time.monotonic()
            pause_s = max(_LEAST_PAUSE_S, (now - asked) * _PAUSES)
            await asyncio.sleep(pause_s if self.received is None else min(pause_s, deadline - now))

    async def _counted(self) -> dict[str, int]:
        last = (datetime.now(UTC) + _DAY).date()
        return {
            account.device_uid: account.stored + account.expired
            async for account in self._client.accounts(self._first, last)
            if account.device_uid in self._uids
        }
