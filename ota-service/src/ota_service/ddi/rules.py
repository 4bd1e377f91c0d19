"""Policy of the protocol, pure: what an organization's settings mean, what reports mean, what a client is shown."""

import zlib
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, cast
from urllib.parse import quote

from ota_service.ddi.schemas import (
    Artifact,
    Chunk,
    Execution,
    Feedback,
    Finished,
    Hashes,
    Link,
    Mode,
    Offered,
    Preferences,
)
from ota_service.firmware.models import Firmware
from ota_service.sessions.states import SessionState

LEAST_POLL_SECONDS = 30
MOST_POLL_SECONDS = 24 * 3600 - 1
"""Clients read hours of a day."""
_POLL_SECONDS = 300
_SOONER = 5
"""How many times as often a device asks for which something waits."""

PATH = (SessionState.ACKNOWLEDGED, SessionState.DOWNLOADING, SessionState.FLASHED, SessionState.COMPLETED)
"""What a client that closes with success has passed through, whether it has said so or not."""

_STATUS = {
    SessionState.HELD: "WAIT_FOR_CONFIRMATION",
    SessionState.INITIATED: "SCHEDULED",
    SessionState.ACKNOWLEDGED: "RETRIEVED",
    SessionState.DOWNLOADING: "DOWNLOAD",
    SessionState.FLASHED: "RUNNING",
    SessionState.CANCELLING: "CANCELING",
    SessionState.COMPLETED: "FINISHED",
    SessionState.FAILED: "ERROR",
    SessionState.CANCELLED: "CANCELED",
    SessionState.TIMED_OUT: "ERROR",
}


def preferences(settings: Mapping[str, Any]) -> Preferences:
    """What is not set, or set to something else than it should be, is as if nobody had set it."""
    given = settings.get("ddi")
    chosen: Mapping[str, Any] = cast("Mapping[str, Any]", given) if isinstance(given, dict) else {}
    seconds = chosen.get("poll_seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        seconds = _POLL_SECONDS
    return Preferences(
        poll_seconds=max(LEAST_POLL_SECONDS, min(MOST_POLL_SECONDS, seconds)),
        target_token=chosen.get("target_token") is not False,
        gateway_token=chosen.get("gateway_token") is not False,
    )


def sleep(chosen: Preferences, *, waits: bool, opens_in_s: float | None) -> int:
    """After how many seconds a device is to ask again: sooner while an update waits or is under way, and at an opening.

    So that it hears of a cancellation, and its maintenance window does not pass by.
    """
    seconds = chosen.poll_seconds // _SOONER if waits else chosen.poll_seconds
    if opens_in_s is not None:
        seconds = min(seconds, ceil(opens_in_s))
    return max(LEAST_POLL_SECONDS, seconds)


def as_clock(seconds: int) -> str:
    """HH:mm:ss"""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def meaning(said: Feedback) -> SessionState | None:
    """What an action becomes by this report; None: it goes on as it is.

    A client that closes with anything but failure, `none` included, is done.
    """
    match said.status.execution:
        case Execution.CLOSED if said.status.result.finished == Finished.FAILURE:
            return SessionState.FAILED
        case Execution.CLOSED:
            return SessionState.COMPLETED
        case Execution.CANCELED:
            return SessionState.CANCELLED
        case Execution.DOWNLOAD | Execution.DOWNLOADED:
            return SessionState.DOWNLOADING
        case _:
            return None


def answers_cancel(said: Feedback) -> bool | None:
    """Whether the device stops, by its report on a cancellation; None: it has not decided."""
    match said.status.execution:
        case Execution.CLOSED:
            return said.status.result.finished != Finished.FAILURE
        case Execution.CANCELED:
            return True
        case Execution.REJECTED:
            return False
        case _:
            return None


def offered(state: SessionState, *, confirmed: bool) -> Offered | None:
    """Where a device is sent for its session. One that has said that it is done is left alone."""
    match state:
        case SessionState.HELD:
            return Offered.CONFIRMATION
        case SessionState.CANCELLING:
            return Offered.CANCEL
        case _:
            return None if confirmed else Offered.DEPLOYMENT


def when(*, window_is_open: bool | None) -> dict[str, str]:
    """What a client is told of when to install: it may download at any time, and waits for its maintenance window."""
    if window_is_open is None:
        return {"update": "forced"}
    return {
        "update": "forced" if window_is_open else "skip",
        "maintenance_window": "available" if window_is_open else "unavailable",
    }


def progress(said: Feedback) -> int | None:
    return 100 if said.status.execution == Execution.DOWNLOADED else said.progress


def steps(state: SessionState, target: SessionState) -> Sequence[SessionState]:
    """The states through which an action goes from one to the other."""
    if target not in PATH or state == SessionState.CANCELLING:
        return (target,)
    reached = PATH.index(state) + 1 if state in PATH else 0
    return PATH[reached : PATH.index(target) + 1]


def history_status(state: str) -> str:
    return _STATUS[SessionState(state)]


def attributes_after(known: Mapping[str, str], mode: Mode, data: Mapping[str, str]) -> dict[str, str]:
    """`remove` looks at the names alone."""
    if mode == Mode.REPLACE:
        return dict(data)
    if mode == Mode.REMOVE:
        return {name: value for name, value in known.items() if name not in data}
    return {**known, **data}


def checksum(*facts: object) -> int:
    """A number that changes when one of the facts does, for `c` in links."""
    return zlib.crc32("/".join(map(str, facts)).encode())


def chunk(base: str, firmware: Firmware, *, part: str) -> Chunk:
    """A firmware as a software module with one artifact, below the device's own address `base`."""
    href = f"{base}/softwaremodules/{firmware.id}/artifacts/{quote(firmware.filename)}"
    kind = "" if base.startswith("https:") else "-http"
    return Chunk(
        part=part,
        version=firmware.version,
        name=firmware.name,
        artifacts=[
            Artifact(
                filename=firmware.filename,
                hashes=Hashes(sha1=firmware.sha1, md5=firmware.md5, sha256=firmware.sha256),
                size=firmware.size,
                links={f"download{kind}": Link(href=href), f"md5sum{kind}": Link(href=f"{href}.MD5SUM")},
            )
        ],
    )
