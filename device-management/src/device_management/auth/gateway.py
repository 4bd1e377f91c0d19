"""Password hashing, which is slow on purpose and therefore happens beside the event loop, a few at a time.

And the count of failed sign-ins in Redis. An attempt counts as failed from its beginning until it has succeeded, so
that many at once are as many as one after the other.
"""

import asyncio
import math
from hashlib import sha256
from typing import Any, Final, cast

import structlog
from prometheus_client import Counter
from pwdlib import PasswordHash
from redis.asyncio import Redis
from redis.exceptions import RedisError

FREE_FOR_ACCOUNT: Final = 5
FREE_FOR_ADDRESS: Final = 100
"""Failures without a wait; many people may share an address."""
FIRST_WAIT_S: Final = 1
LONGEST_WAIT_S: Final = 300
REMEMBERED_S: Final = 3_600

_BEGIN = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local wait = 0
for _, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or '0') - now)
end
if wait > 0 then return tostring(wait) end
for place, key in ipairs(KEYS) do
  local over = redis.call('HINCRBY', key, 'failures', 1) - tonumber(ARGV[place + 3])
  if over >= 0 then
    local doubled = tonumber(ARGV[1]) * 2 ^ math.min(over, 30)
    redis.call('HSET', key, 'until', tostring(now + math.min(doubled, tonumber(ARGV[2]))))
  end
  redis.call('EXPIRE', key, ARGV[3])
end
return '0'
"""

_SUCCEEDED = """
redis.call('DEL', KEYS[1])
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('HINCRBY', KEYS[2], 'failures', -1) end
"""

_UNGUARDED = Counter("muster_sign_ins_unguarded_total", "Sign-ins that nobody counted, for Redis was away")
_HELD_BACK = Counter("muster_sign_ins_held_back_total", "Sign-ins that have to wait after failed ones")

_log = structlog.get_logger(__name__)

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


class Attempts:
    """Failed sign-ins for each account, whether it exists or not, and for each address.

    The wait doubles with every failure beyond the free ones, up to `LONGEST_WAIT_S`; after `REMEMBERED_S` without one
    all is forgotten. Redis away lets sign-ins through, and counts them. So it must be waited for longer than this
    process may be short of time: under a storm of guesses an answer that is read late is no Redis that is away.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(self, email: str, address: str) -> int:
        """Seconds to wait before the next attempt, or 0 for one that may go on and is counted."""
        limits = (FIRST_WAIT_S, LONGEST_WAIT_S, REMEMBERED_S, FREE_FOR_ACCOUNT, FREE_FOR_ADDRESS)
        wait = math.ceil(float(await self._run(_BEGIN, email, address, *limits) or 0))
        if wait:
            _HELD_BACK.inc()
        return wait

    async def succeeded(self, email: str, address: str) -> None:
        """Forgets the account's failures, and takes this attempt off the address's."""
        await self._run(_SUCCEEDED, email, address)

    async def _run(self, script: str, email: str, address: str, *arguments: int) -> Any:
        keys = [f"sign-in:{kind}:{_digest(text)}" for kind, text in (("account", email), ("address", address))]
        try:
            return await cast("Any", self._redis).eval(script, len(keys), *keys, *arguments)
        except (RedisError, OSError) as error:
            _UNGUARDED.inc()
            _log.warning("sign-ins are not counted", reason=type(error).__name__)
            return None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
