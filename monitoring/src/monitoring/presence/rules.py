"""The fence, and how broker events are read. Pure.

A connection supersedes those with a smaller (`connected_at`, `pid`). A close counts only for the connection that is
current: when a device is taken over by its own new connection, the broker tells of the new one before the end of the
old. Such a device never was offline, and is news all the same: what waited in the queue of its old connection died
with it. RabbitMQ names neither user nor time of connecting when a connection closes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitoring.presence.models import (
    NEVER_CONNECTED,
    Change,
    Closed,
    Connection,
    Observation,
    Opened,
    Presence,
    Sign,
)
from shared.contracts.routes import DEVICE_UID

LATE = timedelta(minutes=1)
"""For so long after the end of a connection something that was said over it may still arrive."""


def observation(kind: str, headers: Mapping[str, Any]) -> Observation | None:
    """What a message of the broker's event exchange says; None when it is about no device.

    Raises ValueError for a message that is not of its kind.
    """
    name, pid = headers.get("name"), headers.get("pid")
    if not isinstance(name, str) or not isinstance(pid, str):
        raise ValueError("a connection event without name and pid")  # noqa: TRY004 - one error for all that is unreadable
    if kind == "connection.closed":
        return Closed(pid, name, _milliseconds(headers, "timestamp_in_ms"))
    if kind != "connection.created":
        raise ValueError("neither connection.created nor connection.closed")
    user = headers.get("user")
    if not isinstance(user, str) or not DEVICE_UID.fullmatch(user):
        return None
    return Opened(user, Connection(_milliseconds(headers, "connected_at"), pid, name))


def apply(present: Sequence[Presence], observations: Sequence[Observation]) -> dict[str, Change]:
    """What the observations, in order, make of the presences; only those that change, by uid."""
    before = {presence.device_uid: presence for presence in present}
    after = dict(before)
    changes: dict[str, Change] = {}
    holders: dict[str, set[str]] = {}
    for presence in present:
        holders.setdefault(presence.connection.name, set()).add(presence.device_uid)
    for seen in observations:
        uids = [seen.device_uid] if isinstance(seen, Opened) else list(holders.get(seen.name, ()))
        for uid in uids:
            known = after.get(uid)
            following = _after(known, seen)
            if following is None:
                continue
            after[uid] = following
            holders.setdefault(following.connection.name, set()).add(uid)
            change = changes.setdefault(uid, Change(following))
            change.presence = following
            if known is None or following.version != known.version:
                change.news.append(following)
    return changes


def hear(present: Mapping[str, Presence], signs: Mapping[str, Sign]) -> dict[str, Change]:
    """What signs of life make of the presences, by uid; only those that change.

    A device that holds a connection needs none. Once that has ended, what was said before may still be on its way, so
    only what came a while after it counts. To be heard again is no news, and is written down now and then.
    """
    changes: dict[str, Change] = {}
    for uid, sign in signs.items():
        following = _after_sign(uid, present.get(uid), sign)
        if following is not None:
            is_news = uid not in present or following.version != present[uid].version
            changes[uid] = Change(following, [following] if is_news else [])
    return changes


def fall_silent(present: Sequence[Presence], now: datetime) -> dict[str, Change]:
    """Those that were not heard again in time are offline from the moment their last sign was good for."""
    changes: dict[str, Change] = {}
    for known in present:
        if known.online and known.heard_until is not None and known.heard_until <= now:
            gone = _offline(known, known.heard_until)
            changes[known.device_uid] = Change(gone, [gone])
    return changes


def _after_sign(uid: str, known: Presence | None, sign: Sign) -> Presence | None:
    until = sign.at + sign.lasts
    if known is None:
        return Presence(uid, online=True, since=sign.at, version=1, connection=NEVER_CONNECTED, heard_until=until)
    if known.is_connected:
        return None
    if known.heard_until is not None:
        return replace(known, heard_until=until) if until - known.heard_until >= sign.lasts / 4 else None
    if known.ended_at is not None and min(sign.at, sign.said or sign.at) <= known.ended_at + LATE:
        return None
    return replace(known, online=True, since=sign.at, version=known.version + 1, heard_until=until)


def _offline(known: Presence, since: datetime) -> Presence:
    lasted = int((since - known.since).total_seconds() * 1000)
    return replace(
        known,
        online=False,
        since=since,
        version=known.version + 1,
        heard_until=None,
        online_ms=known.online_ms + max(0, lasted),
    )


def _after(known: Presence | None, seen: Observation) -> Presence | None:
    """The presence after the observation, None when it changes nothing."""
    if isinstance(seen, Opened):
        return _after_open(known, seen)
    if known is None or not known.is_connected or not _is_current(known.connection, seen):
        return None
    ended_at = _moment(seen.at)
    return replace(_offline(known, ended_at), ended_at=ended_at)


def _after_open(known: Presence | None, opened: Opened) -> Presence | None:
    connection = opened.connection
    since = _moment(connection.connected_at)
    if known is None:
        return Presence(opened.device_uid, online=True, since=since, version=1, connection=connection)
    if _same(known.connection, connection):
        return replace(known, connection=connection) if connection.pid and not known.connection.pid else None
    if _order(connection) <= _order(known.connection):
        return None
    following = replace(known, version=known.version + 1, connection=connection, heard_until=None)
    return following if known.online else replace(following, online=True, since=since)


def _is_current(current: Connection, closed: Closed) -> bool:
    if current.pid:
        return closed.pid == current.pid
    return closed.name == current.name and closed.at >= current.connected_at


def _same(one: Connection, other: Connection) -> bool:
    if one.pid and other.pid:
        return one.pid == other.pid
    return one.name == other.name and one.connected_at == other.connected_at


def _order(connection: Connection) -> tuple[int, list[int]]:
    """`<node.creation.number.serial>`: within a millisecond the later process has the greater numbers."""
    numbers = connection.pid.strip("<>").rsplit(".", 3)[1:]
    return connection.connected_at, [int(number) for number in numbers if number.isdigit()]


def _milliseconds(headers: Mapping[str, Any], name: str) -> int:
    value = headers.get(name)
    if not isinstance(value, int) or not 0 <= value < 2**42:
        raise ValueError(f"{name} is not a time")
    return value


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
