"""Policy of carrying batches on, pure: maintenance windows, whose turn it is now, and what becomes of a device."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ota_service.batch_runs.schemas import Change, Turn
from ota_service.batches.schemas import WEEKDAYS, Window
from ota_service.batches.states import BatchState, DeviceState
from ota_service.sessions.schemas import EndedSession, Opening
from ota_service.sessions.states import SessionState

TRY_AGAIN = timedelta(seconds=30)
"""After which a device that another update keeps busy is asked again."""

_MAX_DETAIL = 500


@dataclass(frozen=True)
class Span:
    """From when to when a window is open, in UTC."""

    opens: datetime
    closes: datetime


def next_opening(window: Window, zone: ZoneInfo, now: datetime) -> Span:
    """The opening that `now` lies in, or else the next one.

    Where the clock goes back, a window lasts from the first of two equal times to the second; where it goes forward, it
    is shorter, and an opening of which nothing is left is passed over.
    """
    today = now.astimezone(zone).date()
    for days in range(-1, 15):
        opening = _opening_on(window, zone, today + timedelta(days=days))
        if opening is not None and opening.closes > now:
            return opening
    raise ValueError("a window needs a day on which it begins")


def _opening_on(window: Window, zone: ZoneInfo, day: date) -> Span | None:
    if WEEKDAYS[day.weekday()] not in window.days:
        return None
    last = day if window.ends > window.begins else day + timedelta(days=1)
    opens = datetime.combine(day, window.begins, zone).replace(fold=0).astimezone(UTC)
    closes = datetime.combine(last, window.ends, zone).replace(fold=1).astimezone(UTC)
    return Span(opens, closes) if closes > opens else None


@lru_cache(maxsize=1_000)
def zone_of(name: str | None) -> ZoneInfo:
    """The zone of this IANA name; UTC for none and for a name that there is not."""
    try:
        return ZoneInfo(name or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def outcome(*, succeeded: int, failed: int) -> BatchState:
    """How a batch ends whose devices have all ended: it failed when some failed and none succeeded."""
    return BatchState.FAILED if failed and not succeeded else BatchState.COMPLETED


@dataclass
class Turns:
    """Devices to be updated now, by what they get and until when, and those whose window is closed."""

    open: dict[tuple[tuple[int, ...] | None, datetime | None], list[Turn]] = field(default_factory=dict)
    closed: list[Change] = field(default_factory=list)


def divide(turns: Iterable[Turn], window: Window | None, *, now: datetime, lasting: timedelta) -> Turns:
    divided = Turns()
    for turn in turns:
        span = None if window is None else next_opening(window, zone_of(turn.time_zone), now)
        if span is None:
            divided.open.setdefault((turn.firmware_ids, None), []).append(turn)
        elif span.opens <= now:
            divided.open.setdefault((turn.firmware_ids, span.closes), []).append(turn)
        else:
            reason = ("outside_window", "the device's maintenance window is closed")
            divided.closed.append(later(turn, *reason, at=span.opens, now=now, lasting=lasting))
    return divided


def later(turn: Turn, reason: str, detail: str | None, *, at: datetime, now: datetime, lasting: timedelta) -> Change:
    """Another turn at `at`, unless the device has waited for `lasting` already."""
    wait_until = turn.wait_until or now + lasting
    if now >= wait_until:
        return Change(turn.device_uid, DeviceState.FAILED, reason, detail)
    return Change(
        turn.device_uid, DeviceState.PENDING, reason, detail, next_at=min(at, wait_until), wait_until=wait_until
    )


def opened(turn: Turn, opening: Opening, *, now: datetime, lasting: timedelta) -> Change:
    """What the opening of its session makes of a device: one that is busy waits, whatever else is in the way stays."""
    if opening.session_id is not None:
        wait_until = turn.wait_until or now + lasting
        return Change(turn.device_uid, DeviceState.INITIATED, session_id=opening.session_id, wait_until=wait_until)
    if opening.reason == "update_open":
        return later(turn, opening.reason, opening.detail, at=now + TRY_AGAIN, now=now, lasting=lasting)
    return Change(turn.device_uid, DeviceState.SKIPPED, opening.reason, opening.detail)


def ended(session: EndedSession, *, wait_until: datetime | None, now: datetime) -> Change:
    """What the end of its session makes of a device; one that ran out of time has another turn until `wait_until`."""
    detail = session.error and session.error[:_MAX_DETAIL]
    match session.state:
        case SessionState.COMPLETED:
            return Change(session.device_uid, DeviceState.SUCCEEDED)
        case SessionState.CANCELLED:
            return Change(session.device_uid, DeviceState.CANCELLED, "session_cancelled", detail)
        case SessionState.TIMED_OUT if wait_until is not None and now < wait_until:
            return Change(
                session.device_uid, DeviceState.PENDING, "window_closed", detail, next_at=now, wait_until=wait_until
            )
        case _:
            return Change(session.device_uid, DeviceState.FAILED, str(session.state), detail)
