"""The fence, and how broker events are read. Pure.

A connection supersedes those with a smaller (`connected_at`, `pid`). A close counts only for the connection that is
current: when a device is taken over by its own new connection, the broker tells of the new one before the end of the
old. Such a device never was offline, and is news all the same: what waited in the queue of its old connection died
with it. RabbitMQ names neither user nor time of connecting when a connection closes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from monitoring.presence.models import Change, Closed, Connection, Observation, Opened, Presence
from shared.contracts.routes import DEVICE_UID


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


def _after(known: Presence | None, seen: Observation) -> Presence | None:
    """The presence after the observation, None when it changes nothing."""
    if isinstance(seen, Opened):
        return _after_open(known, seen)
    if known is None or not known.online or not _is_current(known.connection, seen):
        return None
    return replace(known, online=False, since=_moment(seen.at), version=known.version + 1)


def _after_open(known: Presence | None, opened: Opened) -> Presence | None:
    connection = opened.connection
    since = _moment(connection.connected_at)
    if known is None:
        return Presence(opened.device_uid, online=True, since=since, version=1, connection=connection)
    if _same(known.connection, connection):
        return replace(known, connection=connection) if connection.pid and not known.connection.pid else None
    if _order(connection) <= _order(known.connection):
        return None
    if known.online:
        return replace(known, version=known.version + 1, connection=connection)
    return replace(known, online=True, since=since, version=known.version + 1, connection=connection)


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
