"""Presence as it is stored, and what is observed of connections. The broker's times are milliseconds since 1970."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection to the broker. `pid` is empty when only the management API has told of it, which leaves it out.

    `name` (`peer -> host`, with ports) is unique among the connections of a moment.
    """

    connected_at: int
    pid: str
    name: str


NEVER_CONNECTED = Connection(0, "", "")


@dataclass(frozen=True, slots=True)
class Opened:
    device_uid: str
    connection: Connection


@dataclass(frozen=True, slots=True)
class Closed:
    """The broker does not say whose connection it was."""

    pid: str
    name: str
    at: int


Observation = Opened | Closed


@dataclass(frozen=True, slots=True)
class Sign:
    """That a device without a connection was heard of. It counts as online for `lasts` from `at` on.

    `said` is the time that the device itself gives, where it gives one.
    """

    at: datetime
    lasts: timedelta
    said: datetime | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """`connection` is the newest one known, open or not: the fence. `version` counts the changes of
    `online`, and takeovers.

    `heard_until` is None unless the device is online by signs of life, `ended_at` is when its last connection ended,
    and `online_ms` how long it was online in all up to `since`. `organization_id` is None until the copy of the fleet
    knows the device. `revision` counts writes.
    """

    device_uid: str
    online: bool
    since: datetime
    version: int
    connection: Connection
    organization_id: int | None = None
    revision: int = 0
    heard_until: datetime | None = None
    ended_at: datetime | None = None
    online_ms: int = 0

    @property
    def is_connected(self) -> bool:
        return self.online and self.heard_until is None


@dataclass(slots=True)
class Change:
    """What becomes of one device's presence; `news` are the states on the way that others hear of, in order."""

    presence: Presence
    news: list[Presence] = field(default_factory=list[Presence])
