"""Use cases of uptime: follow changes of presence, and say when a device was there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from monitoring.presence.models import Presence
from monitoring.presence.service import PresenceService
from monitoring.telemetry.errors import BadTimeRange
from monitoring.uptime.models import Change
from monitoring.uptime.schemas import Interval, UptimeRead
from monitoring.uptime.store import UptimeStore
from shared.clock import Clock
from shared.contracts.presence import PresenceState
from shared.http.pagination import BadCursor, decode_cursor, encode_cursor

_USUAL = timedelta(days=7)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class UptimeService:
    """`kept` is how long the history goes back at the least; the present state is presence's own."""

    def __init__(self, store: UptimeStore, presence: PresenceService, *, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._presence = presence
        self._clock = clock
        self._kept = kept

    async def follow(self, states: Sequence[PresenceState]) -> None:
        """Keeps each change once. Raises StoreAway."""
        await self._store.add([_change(state) for state in states])

    async def forget(self) -> None:
        """Drops what no window needs that begins where the history does. Raises StoreAway."""
        await self._store.drop(before=self._clock.now() - self._kept)

    async def history(
        self,
        organization_id: int,
        uid: str,
        *,
        start: datetime | None,
        end: datetime | None,
        cursor: str | None,
        limit: int,
    ) -> UptimeRead:
        """When the device was online between two moments, and for what part of that; the last week unless said.

        Raises DeviceNotFound, BadTimeRange, BadCursor and StoreAway.
        """
        present = await self._presence.state(organization_id, uid)
        now = self._clock.now()
        end = min(end or now, now)
        start = max(_BEGINNING, start or max(end, _BEGINNING + _USUAL) - _USUAL)
        if start >= end:
            raise BadTimeRange
        latest = None if present is None else _present(present, organization_id)
        known_from, before = await self._first_known(uid, latest, start)
        answer = UptimeRead(
            device_uid=uid, start=start, end=end, known_from=None, online_s=None, percent=None, items=[], next=None
        )
        if before is None or known_from >= end:
            return answer
        by_end = await self._as_of(uid, latest, end) or before
        online = by_end.online_by(end) - before.online_by(known_from)
        items, following = await self._intervals(uid, latest, start, end, cursor=cursor, limit=limit)
        return answer.model_copy(
            update={
                "known_from": known_from,
                "online_s": round(online.total_seconds(), 3),
                "percent": round(100 * min(1.0, max(0.0, online / (end - known_from))), 3),
                "items": items,
                "next": following,
            }
        )

    async def _as_of(self, uid: str, latest: Change | None, moment: datetime) -> Change | None:
        """The change that says how the device was at a moment; None when the history begins later."""
        if latest is not None and latest.since <= moment:
            return latest
        return next(iter(await self._store.newest(uid, until=moment, limit=1)), None)

    async def _first_known(self, uid: str, latest: Change | None, start: datetime) -> tuple[datetime, Change | None]:
        """From when on it is known how the device was, `start` at the earliest, and the change that says so."""
        before = await self._as_of(uid, latest, start)
        if before is not None:
            return start, before
        first = await self._store.oldest(uid) or latest
        return (start, None) if first is None else (first.since, first)

    async def _intervals(
        self, uid: str, latest: Change | None, start: datetime, end: datetime, *, cursor: str | None, limit: int
    ) -> tuple[list[Interval], str | None]:
        until, bound = None, end
        if cursor is not None:
            until = _moment_in(cursor)
            bound = until - timedelta(milliseconds=1)
        changes = await self._store.newest(uid, until=bound, limit=limit + 1)
        if cursor is None and latest is not None and latest.since <= end and latest.since not in _times(changes):
            changes.insert(0, latest)
        if cursor is None and latest is not None and latest.since > end:
            following = await self._store.oldest(uid, after=end)
            until = latest.since if following is None else following.since
        items: list[Interval] = []
        for change in changes[:limit]:
            items.append(Interval(online=change.online, since=change.since, until=until))
            until = change.since
            if change.since <= start:
                return items, None
        return items, encode_cursor(int(until.timestamp() * 1000)) if until and len(changes) > limit else None


def _times(changes: Sequence[Change]) -> set[datetime]:
    return {change.since for change in changes}


def _change(state: PresenceState) -> Change:
    return Change(state.device_uid, state.organization_id, state.since, state.online, state.online_ms, state.version)


def _present(presence: Presence, organization_id: int) -> Change:
    return Change(
        presence.device_uid,
        organization_id,
        presence.since,
        presence.online,
        presence.online_ms,
        presence.version,
    )


def _moment_in(cursor: str) -> datetime:
    """Raises BadCursor."""
    [milliseconds] = decode_cursor(cursor, int)
    try:
        at = _BEGINNING + timedelta(milliseconds=milliseconds)
    except OverflowError:
        raise BadCursor from None
    if at < _BEGINNING:
        raise BadCursor
    return at
