"""`muster dead-letters list | show | replay | drop`."""

import sys
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from muster_cli.command import Invocation, platform_command
from muster_cli.dead_letters.letters import DeadLetters, Letter
from muster_cli.errors import BadUsage, Refused

app = typer.Typer(no_args_is_help=True)

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="A consumer's queue, as `list` names it.")]
Ids = Annotated[list[str] | None, typer.Option("--id", metavar="ID", help="This letter; may be repeated.")]
Everything = Annotated[bool, typer.Option("--all", help="All that are there now.")]


@app.command("list")
@platform_command
async def list_queues(
    invocation: Invocation,
    everything: Annotated[bool, typer.Option("--all", help="Also the queues without dead letters.")] = False,
) -> None:
    """How many dead letters each consumer's queue has."""
    async with _opened(invocation) as letters:
        counts = await letters.counts()
    shown = {queue: count for queue, count in counts.items() if count or everything}
    invocation.output.rows(["QUEUE", "DEAD LETTERS"], list(shown.items()), data=shown)


@app.command("show")
@platform_command
async def show_letters(
    invocation: Invocation,
    queue: Queue,
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="At most so many.")] = 10,
    bodies: Annotated[bool, typer.Option("--bodies", help="With what they say.")] = False,
) -> None:
    """The oldest dead letters of a queue, and why each was given up. They stay."""
    async with _opened(invocation) as letters:
        found = await letters.look(queue, limit=limit)
    columns = ["ID", "TYPE", "CAME AS", "REASON", *(["BODY"] if bodies else [])]
    rows = [[one.id, one.type, one.routing_key, one.reason, *([_text(one)] if bodies else [])] for one in found]
    invocation.output.rows(columns, rows, data=[_document(one) for one in found])


@app.command("replay")
@platform_command
async def replay_letters(invocation: Invocation, queue: Queue, ids: Ids = None, everything: Everything = False) -> None:
    """Give dead letters to their consumer again. What fails again comes back here.

    One that is replayed while this command or the broker dies may arrive twice: consumers know what they have had.
    """
    async with _opened(invocation) as letters:
        replayed = await letters.replay(queue, _chosen(ids, everything=everything))
    _told(invocation, "Replayed", replayed, ids)


@app.command("drop")
@platform_command
async def drop_letters(
    invocation: Invocation,
    queue: Queue,
    ids: Ids = None,
    everything: Everything = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete dead letters, for good."""
    chosen = _chosen(ids, everything=everything)
    if not sure:
        if not sys.stdin.isatty():
            raise BadUsage("what is dropped is gone", "say --yes where nobody can be asked")
        what = "all dead letters" if chosen is None else f"{len(chosen)} dead letters"
        typer.confirm(f"Delete {what} of {queue} for good?", abort=True, err=True)
    async with _opened(invocation) as letters:
        dropped = await letters.drop(queue, chosen)
    _told(invocation, "Dropped", dropped, ids)


def _opened(invocation: Invocation) -> AbstractAsyncContextManager[DeadLetters]:
    """Raises BadUsage when it is not known where the broker is."""
    if invocation.connection.amqp is None:
        raise BadUsage(
            "it is not known where the broker is",
            "set MUSTER_AMQP_URL (amqp://user:password@host:5672/), or name a local stack with --stack DIR",
        )
    return DeadLetters.open(invocation.connection.amqp)


def _chosen(ids: list[str] | None, *, everything: bool) -> frozenset[str] | None:
    """None for all of them. Raises BadUsage."""
    if bool(ids) == everything:
        raise BadUsage("it is not clear which dead letters", "give --id, or --all")
    return frozenset(ids) if ids else None


def _told(invocation: Invocation, done: str, count: int, ids: list[str] | None) -> None:
    """Raises Refused when some of those that were named were not there."""
    invocation.output.record({done: count}, data={done.lower(): count})
    if ids is not None and count < len(set(ids)):
        missing = len(set(ids)) - count
        raise Refused(
            404, "letter_not_found", f"{missing} of the letters are not there", "`show` lists those there are"
        )


def _document(letter: Letter) -> dict[str, object]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "reason": letter.reason,
        "routing_key": letter.routing_key,
        "type": letter.type,
        "body": _text(letter),
    }


def _text(letter: Letter) -> str:
    return letter.body.decode(errors="replace")
