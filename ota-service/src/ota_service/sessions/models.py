"""Update sessions, and the history of each."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Identity, Index, SmallInteger, Text, text
from sqlmodel import Field

from ota_service.fleet.models import Table
from ota_service.sessions.states import FINAL, OPEN, SessionState
from shared.sql.models import UtcDateTime

MAX_ERROR = 500


def _in(states: frozenset[SessionState]) -> str:
    return f"state in ({', '.join(repr(str(state)) for state in sorted(states))})"


IS_OPEN = text(_in(OPEN))
IS_SOAKING = text(f"state = '{SessionState.FLASHED}' and soak_s is not null")
IS_AWAITED = text(f"{_in(FINAL)} and awaited")
"""It has ended, and its batch has not heard of it yet."""


class UpdateSession(Table, table=True):
    """One update of one device.

    The database itself allows a device one open session, and no open session without a deadline. `counter` orders the
    sessions; `manifest` is the canonical JSON that `signature` (base64, by key `key_id`) signs.
    """

    __table_args__ = (
        CheckConstraint(f"{_in(OPEN)} or {_in(FINAL)}", name="state"),
        CheckConstraint(f"({_in(OPEN)}) = (deadline is not null)", name="deadline"),
        CheckConstraint("progress between 0 and 100", name="progress"),
        Index("uq_update_sessions_device_uid_open", "device_uid", unique=True, postgresql_where=IS_OPEN),
        Index("ix_update_sessions_deadline", "deadline", postgresql_where=IS_OPEN),
        Index("ix_update_sessions_soaking", "confirmed_at", postgresql_where=IS_SOAKING),
        Index("ix_update_sessions_awaited", "batch_id", postgresql_where=IS_AWAITED),
        Index("ix_update_sessions_organization_id_counter", "organization_id", "counter"),
        Index("ix_update_sessions_device_uid_counter", "device_uid", "counter"),
    )

    id: UUID = Field(primary_key=True)
    counter: int = Field(sa_type=BigInteger, unique=True)
    organization_id: int = Field(sa_type=BigInteger)
    device_uid: str = Field(max_length=64)
    firmware_id: int = Field(sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=False, index=True))
    firmware_name: str = Field(max_length=64)
    firmware_version: str = Field(max_length=64)
    previous_version: str | None = Field(default=None, max_length=64)
    """What the device ran when the session began, as far as it was known."""
    state: str = Field(default=SessionState.INITIATED, max_length=16)
    resumes: str | None = Field(default=None, max_length=16)
    """Of one that is or was being cancelled: the state that it goes on with if the device refuses."""
    progress: int | None = Field(default=None)
    error: str | None = Field(default=None, max_length=MAX_ERROR)
    deadline: datetime | None = Field(default=None, sa_type=UtcDateTime)
    soak_s: int | None = Field(default=None)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """With a soak, when the device itself said that it runs the new version."""
    manifest: str = Field(sa_type=Text)
    signature: str = Field(sa_type=Text)
    key_id: str = Field(max_length=64)
    version: int = Field(default=1, sa_type=BigInteger)
    action_id: int | None = Field(default=None, sa_type=BigInteger, unique=True)
    """The action of device-management that it carries out."""
    batch_id: int | None = Field(default=None, sa_type=BigInteger)
    awaited: bool = Field(default=False)
    """Whether its batch is still to hear of its end."""
    release: str | None = Field(default=None, max_length=64)
    wave: str | None = Field(default=None, max_length=240)
    """The release that its batch is of and, on the way there, the wave; by their slugs."""
    opened_by: str = Field(max_length=64)
    opened_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class UpdateSessionPart(Table, table=True):
    """One firmware of a session, installed in the order of `position`, from 1 on; the session itself names the first.

    `previous_firmware_id` is what the device ran well before, under that name, as far as it was known.
    """

    session_id: UUID = Field(sa_column=Column(ForeignKey("update_sessions.id"), primary_key=True))
    position: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    firmware_id: int = Field(sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=False, index=True))
    name: str = Field(max_length=64)
    version: str = Field(max_length=64)
    release_counter: int = Field(sa_type=BigInteger)
    previous_firmware_id: int | None = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("firmwares.id"), nullable=True)
    )


class SessionEnd(Table, table=True):
    """How many sessions of a batch have ended in `state` without its having heard of it: the sum over the slots.

    A trigger of the database counts, whichever version of this service writes. Whoever ends sessions adds to the slot
    of its connection, so that few wait for each other; who hears of them, and holds the lock on the batch's row, takes
    them off in a slot of its own.
    """

    batch_id: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    state: str = Field(max_length=16, primary_key=True)
    slot: int = Field(sa_type=SmallInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    sessions: int = Field(sa_type=BigInteger)


class SessionReport(Table, table=True):
    """What somebody said of a session and whether it came to be: refused and late reports are kept too.

    `by` is `device`, `gateway <id>`, `deadline` or `person <id>`; `state_before` is None for the opening.
    """

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))
    session_id: UUID = Field(sa_column=Column(ForeignKey("update_sessions.id"), nullable=False, index=True))
    by: str = Field(max_length=80)
    reported: str = Field(max_length=16)
    state_before: str | None = Field(default=None, max_length=16)
    accepted: bool
    progress: int | None = Field(default=None)
    error: str | None = Field(default=None, max_length=MAX_ERROR)
    at: datetime | None = Field(
        default=None,
        sa_type=UtcDateTime,
        nullable=False,
        sa_column_kwargs={"server_default": text("clock_timestamp()")},
    )
    """By the database's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """An update session member for member: one that is about to be, one on its way, or one that is only looked at.

    Sessions are opened, and reports noted, by the thousand: as instances of the tables' own classes they would take
    most of the time that this takes.
    """

    id: UUID
    counter: int
    organization_id: int
    device_uid: str
    firmware_id: int
    firmware_name: str
    firmware_version: str
    previous_version: str | None
    state: str
    resumes: str | None = None
    progress: int | None = None
    error: str | None = None
    deadline: datetime | None
    soak_s: int | None
    confirmed_at: datetime | None = None
    manifest: str
    signature: str
    key_id: str
    version: int = 1
    action_id: int | None
    batch_id: int | None
    awaited: bool
    release: str | None
    wave: str | None
    opened_by: str
    opened_at: datetime
    updated_at: datetime


SESSION_FIELDS = tuple(one.name for one in fields(NewSession))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPart:
    """A part of it."""

    session_id: UUID
    position: int
    firmware_id: int
    name: str
    version: str
    release_counter: int
    previous_firmware_id: int | None


Session = UpdateSession | NewSession


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """A report that is about to be kept, but for what the database adds."""

    session_id: UUID
    by: str
    reported: str
    state_before: str | None
    accepted: bool
    progress: int | None
    error: str | None

    @classmethod
    def of(
        cls,
        session: Session,
        by: str,
        target: SessionState,
        *,
        before: SessionState | None,
        accepted: bool = True,
        progress: int | None = None,
        error: str | None = None,
    ) -> Self:
        """`by` said of a session which was `before` that it is `target`."""
        return cls(
            session_id=session.id,
            by=by,
            reported=target,
            state_before=before,
            accepted=accepted,
            progress=progress,
            error=error,
        )
