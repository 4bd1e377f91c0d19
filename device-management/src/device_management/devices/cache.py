"""The copy of one device in Redis, and for half a second in this process; and of pages of lists, in Redis alone.

A read that misses takes Redis's time first, reads PostgreSQL, and fills; the fill is refused when a newer revision is
there and expires 4 s after that time, so a fill that comes late vanishes at once. A commit writes a tombstone with its
revision for 5 s instead of deleting: a delete would let an older fill in. So what is read here is at most 5 s older
than the last commit.

A page of a list is kept with its organization's counter, which is read before the database and raised after every
commit: a page of another count is not served, and any expires 4 s after Redis's time before its read.

Nothing is authorised from it. Redis away makes reads slower, never wrong.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol

import msgspec
import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

FILL_MS: Final = 4_000
TOMBSTONE_MS: Final = 5_000
LOCAL_SECONDS: Final = 0.5
LOCAL_ENTRIES: Final = 10_000
PAUSE_SECONDS: Final = 1.0
"""How long Redis is left alone after it failed."""

_FILL = """
local known = redis.call('HGET', KEYS[1], 'r')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'r', ARGV[1], 'b', ARGV[2])
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
return 1
"""

_TOMBSTONES = """
local revisions = cmsgpack.unpack(ARGV[2])
for place, key in ipairs(KEYS) do
    local revision, known = revisions[place], redis.call('HGET', key, 'r')
    if not (known and tonumber(known) > revision) then
        redis.call('HSET', key, 'r', string.format('%d', revision))
        redis.call('HDEL', key, 'b')
        redis.call('PEXPIRE', key, ARGV[1])
    end
end
"""
_AT_ONCE: Final = 1_000
"""Tombstones that one script writes: nobody else is served meanwhile."""

_LOOK = """
local count = redis.call('GET', KEYS[1]) or '0'
local page = redis.call('HMGET', KEYS[2], 'n', 'b')
local time = redis.call('TIME')
return {count, time[1] * 1000 + math.floor(time[2] / 1000), page[1] == count and page[2]}
"""

_READS = Counter("muster_device_cache_reads_total", "Reads of one device, by where it was found", ["found"])
_PAGES = Counter("muster_device_cache_pages_total", "Reads of a page of devices, by where it was found", ["found"])

_log = structlog.get_logger(__name__)


class Changed(Protocol):
    """A device that changed, in the revision that it has since."""

    @property
    def id(self) -> int | None: ...
    @property
    def organization_id(self) -> int: ...
    @property
    def device_uid(self) -> str: ...
    @property
    def revision(self) -> int: ...


@dataclass(frozen=True)
class Entry:
    """A device of one revision as the JSON that answers for it."""

    organization_id: int
    references: tuple[str, ...]
    """Its id and its uid, as they stand in paths."""
    revision: int
    etag: str
    body: bytes

    def answer(self) -> "Answer":
        return Answer(self.etag, self.body)


@dataclass(frozen=True)
class Answer:
    """What a reader gets: the entity tag of the device's version, and its JSON."""

    etag: str
    body: bytes

    def pack(self) -> bytes:
        return self.etag.encode() + b"\n" + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> "Answer":
        etag, _, body = packed.partition(b"\n")
        return cls(etag.decode(), body)


@dataclass(frozen=True)
class Listing:
    """A page of devices as JSON, and the cursor of the next one."""

    next: str | None
    body: bytes

    def pack(self) -> bytes:
        return (self.next or "").encode() + b"\n" + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> "Listing":
        following, _, body = packed.partition(b"\n")
        return cls(following.decode() or None, body)


@dataclass(frozen=True)
class Look:
    """What Redis said of a page before the database is asked: the page, or what `fill_page` must know."""

    organization_id: int
    query: str
    found: Listing | None = None
    count: bytes | None = None
    at_ms: int = 0


class DeviceCache:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._fill = redis.register_script(_FILL)
        self._tombstones = redis.register_script(_TOMBSTONES)
        self._look = redis.register_script(_LOOK)
        self._local: OrderedDict[str, tuple[float, Answer]] = OrderedDict()
        self._away_until = 0.0

    async def get(self, organization_id: int, reference: str) -> Answer | None:
        """A device, or None when it must be read from the database."""
        key = _key(organization_id, reference)
        near = self._local.get(key)
        if near is not None and near[0] > time.monotonic():
            _READS.labels("process").inc()
            return near[1]
        if self._away():
            return None
        asked = time.monotonic()
        try:
            packed = await self._redis.hget(key, "b")
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return None
        if packed is None:
            _READS.labels("nowhere").inc()
            return None
        _READS.labels("redis").inc()
        answer = Answer.unpack(packed if isinstance(packed, bytes) else packed.encode())
        self._keep(key, asked, answer)
        return answer

    async def time_ms(self) -> int | None:
        """Redis's clock before a read of the database, for `fill`. None while Redis is away."""
        if self._away():
            return None
        try:
            seconds, micros = await self._redis.time()  # pyright: ignore[reportUnknownMemberType] - untyped **kwargs
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return None
        return seconds * 1_000 + micros // 1_000

    async def fill(self, entry: Entry, read_at_ms: int) -> None:
        """Offers what was read from the database at `read_at_ms` by Redis's clock."""
        try:
            for reference in entry.references:
                args = (entry.revision, entry.answer().pack(), read_at_ms + FILL_MS)
                await self._fill(keys=[_key(entry.organization_id, reference)], args=args)
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    async def look(self, organization_id: int, query: str) -> Look:
        """The page that answers `query`, when Redis has it; finds nothing while Redis is away."""
        if self._away():
            return Look(organization_id, query)
        try:
            count, at_ms, packed = await self._look(keys=_page_keys(organization_id, query))
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return Look(organization_id, query)
        _PAGES.labels("redis" if packed else "nowhere").inc()
        return Look(organization_id, query, Listing.unpack(packed) if packed else None, count, at_ms)

    async def fill_page(self, look: Look, page: Listing) -> None:
        """Offers what was read from the database after that look."""
        if look.count is None:
            return
        try:
            async with self._redis.pipeline() as pipe:
                _, key = _page_keys(look.organization_id, look.query)
                pipe.hset(key, mapping={"n": look.count, "b": page.pack()})
                pipe.pexpireat(key, look.at_ms + FILL_MS)
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    async def forget_pages(self, organization_ids: Iterable[int]) -> None:
        """After the commit: no page of these organizations read before is served from here on."""
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for organization_id in organization_ids:
                    pipe.incr(_count_key(organization_id))
                await pipe.execute()
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    async def forget(self, devices: Sequence[Changed]) -> None:
        """After the commit: nothing older than these revisions is served from here on."""
        keys = [
            _key(device.organization_id, reference)
            for device in devices
            for reference in (str(device.id), device.device_uid)
        ]
        revisions = [device.revision for device in devices for _ in range(2)]
        for key in keys:
            self._local.pop(key, None)
        try:
            for start in range(0, len(keys), _AT_ONCE):
                # The driver takes half as long for bytes, and for each argument.
                some = [key.encode() for key in keys[start : start + _AT_ONCE]]
                packed = msgspec.msgpack.encode(revisions[start : start + _AT_ONCE])
                await self._tombstones(keys=some, args=[TOMBSTONE_MS, packed])
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    def _keep(self, key: str, asked: float, answer: Answer) -> None:
        self._local[key] = (asked + LOCAL_SECONDS, answer)
        self._local.move_to_end(key)
        if len(self._local) > LOCAL_ENTRIES:
            self._local.popitem(last=False)

    def _away(self) -> bool:
        return time.monotonic() < self._away_until

    def _leave_alone(self, error: Exception) -> None:
        _READS.labels("away").inc()
        _log.warning("the cache is away; reading the database", error=type(error).__name__)
        self._away_until = time.monotonic() + PAUSE_SECONDS


def _key(organization_id: int, reference: str) -> str:
    return f"device:{organization_id}:{reference}"


def _count_key(organization_id: int) -> str:
    return f"devices:{{{organization_id}}}:count"


def _page_keys(organization_id: int, query: str) -> list[str]:
    """Both in one slot of a cluster."""
    return [_count_key(organization_id), f"devices:{{{organization_id}}}:{sha256(query.encode()).hexdigest()}"]
