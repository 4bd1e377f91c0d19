"""Password hashing, which is slow on purpose and therefore happens beside the event loop, a few at a time."""

import asyncio

from pwdlib import PasswordHash

_AT_ONCE = 2
"""argon2id takes tens of milliseconds and megabytes each: a storm of sign-ins must not take the whole machine."""


class Passwords:
    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        async with self._places:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Whether the password is the one. Without a hash it takes as long and says no, so that time tells nothing."""
        if self._dummy is None:
            self._dummy = await self.hash("nobody's password")
        async with self._places:
            right = await asyncio.to_thread(self._hasher.verify, password, hashed or self._dummy)
        return right and hashed is not None
