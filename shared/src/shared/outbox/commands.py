"""Commands to devices: rows in the transaction of the change, gone once the broker has them in a device's queue.

A row waits for its device, and no longer than its deadline. Whatever locks several rows locks them in the order of
their ids, so that two such transactions never wait for each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.contracts.commands import MAX_COMMAND_BYTES, DeviceCommand

COMMANDS_CHANNEL = "device_commands"

MOST_DOUBLINGS = 14
"""A device that is away is looked for after 1, 2, 4 ... seconds, and at the end every four and a half hours."""

_PARKED = 8
"""So many looks are left out for a device that is known to be away: the first one is after four minutes."""

_INSERT = text(
    f"""
    with added as (
        insert into device_commands (command_id, device_uid, payload, deadline, attempts, next_attempt_at)
        select command_id, device_uid, payload, deadline, case when parked then {_PARKED} else 0 end,
            clock_timestamp() + case when parked then {2**_PARKED} else 0 end * interval '1 second'
        from unnest(
            cast(:ids as uuid[]), cast(:uids as text[]), cast(:payloads as text[]), cast(:deadlines as timestamptz[]),
            cast(:parked as boolean[])
        ) with ordinality as command(command_id, device_uid, payload, deadline, parked, place)
        order by place
        on conflict (command_id) do nothing
    )
    select pg_notify(:channel, '')
    """  # noqa: S608 - numbers
)

_INSERT_ALIKE = text(
    """
    with added as (
        insert into device_commands (command_id, device_uid, payload, deadline, next_attempt_at)
        select command_id, device_uid, concat('{"id":"', command_id, cast(:rest as text)), :deadline, clock_timestamp()
        from unnest(cast(:ids as uuid[]), cast(:uids as text[]))
            with ordinality as command(command_id, device_uid, place)
        order by place
    )
    select pg_notify(:channel, '')
    """
)

_WITHDRAW = text(
    """
    with withdrawn as (
        select id from device_commands where command_id = any(cast(:ids as uuid[])) order by id for update
    )
    delete from device_commands using withdrawn where device_commands.id = withdrawn.id
    """
)

_MAKE_DUE = text(
    """
    with waiting as (
        select id from device_commands where device_uid = any(cast(:uids as text[])) order by id for update
    ), due as (
        update device_commands set attempts = 0, next_attempt_at = clock_timestamp()
        from waiting where device_commands.id = waiting.id
        returning device_commands.id
    )
    select pg_notify(:channel, '') from due limit 1
    """
)


@dataclass(frozen=True, slots=True)
class Command:
    """What a device is asked, and until when. A command whose id is waiting already is not added again.

    One for a device that is known to be away is `parked`: it waits for `make_due` and is not tried before.
    """

    device_uid: str
    id: UUID
    type: str
    params: Mapping[str, Any]
    deadline: datetime
    parked: bool = False


@dataclass(frozen=True, slots=True)
class WrittenCommand:
    """`payload` is the body to publish."""

    id: UUID
    device_uid: str
    payload: bytes
    deadline: datetime
    parked: bool


@dataclass(frozen=True, slots=True)
class AlikeCommands:
    """Commands that differ in id and device alone: uids by id, and what follows the id in each payload."""

    uids: Mapping[UUID, str]
    rest: bytes
    deadline: datetime


_encoder = msgspec.json.Encoder()
_NO_ID = UUID(int=0)
_ID_BYTES = len(f'{{"id":"{_NO_ID}')


def write_command(command: Command) -> WrittenCommand:
    """Raises ValueError for one too large to publish, or without a time zone in its deadline."""
    if command.deadline.tzinfo is None:
        raise ValueError("a deadline needs a time zone")
    payload = _encoder.encode(DeviceCommand(command.id, command.type, dict(command.params), command.deadline))
    if len(payload) > MAX_COMMAND_BYTES:
        raise ValueError(f"{command.type} for {command.device_uid} is over {MAX_COMMAND_BYTES} bytes")
    return WrittenCommand(command.id, command.device_uid, payload, command.deadline, command.parked)


def write_alike(
    uids: Mapping[UUID, str], command_type: str, params: Mapping[str, Any], deadline: datetime
) -> AlikeCommands:
    """Uids by the ids of the commands, none of which waits already. Raises ValueError as `write_command` does."""
    written = write_command(Command("several devices", _NO_ID, command_type, params, deadline))
    return AlikeCommands(uids, written.payload[_ID_BYTES:], deadline)


async def insert(session: AsyncSession, commands: Sequence[WrittenCommand]) -> None:
    """Adds commands in their order, in one statement, and wakes the relay at the commit."""
    await session.execute(
        _INSERT,
        {
            "ids": [command.id for command in commands],
            "uids": [command.device_uid for command in commands],
            "payloads": [command.payload.decode() for command in commands],
            "deadlines": [command.deadline for command in commands],
            "parked": [command.parked for command in commands],
            "channel": COMMANDS_CHANNEL,
        },
    )


async def insert_alike(session: AsyncSession, commands: AlikeCommands) -> None:
    """As `insert`, with what they share sent once."""
    await session.execute(
        _INSERT_ALIKE,
        {
            "ids": list(commands.uids),
            "uids": list(commands.uids.values()),
            "rest": commands.rest.decode(),
            "deadline": commands.deadline,
            "channel": COMMANDS_CHANNEL,
        },
    )


async def withdraw(session: AsyncSession, ids: Iterable[UUID]) -> None:
    await session.execute(_WITHDRAW, {"ids": list(ids)})


async def make_due(session: AsyncSession, uids: Iterable[str]) -> None:
    """What waits for these devices is tried at once, and from then on soon again."""
    await session.execute(_MAKE_DUE, {"uids": list(uids), "channel": COMMANDS_CHANNEL})
