"""Asks again and again until something is over, and shows on standard error how far it is."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

ASK_EVERY_S = 0.5


class Ending(Protocol):
    @property
    def is_over(self) -> bool: ...


class Counted(Ending, Protocol):
    """`done` of `total`."""

    total: int

    @property
    def done(self) -> int: ...


E = TypeVar("E", bound=Ending)
C = TypeVar("C", bound=Counted)


async def follow(found: E, ask: Callable[[], Awaitable[E]], say: Callable[[E], str]) -> E:
    """Answers it as it is in the end. What `say` makes of it is a line whenever it changes; nothing for no text."""
    said = ""
    while True:
        line = say(found)
        if line != said:
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
            said = line
        if found.is_over:
            return found
        await asyncio.sleep(ASK_EVERY_S)
        found = await ask()


async def follow_count(job: C, ask: Callable[[], Awaitable[C]], word: Callable[[C], str]) -> C:
    """The same with a bar on a terminal; `word` stands before the count."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return await follow(job, ask, lambda job: f"{word(job)} {job.done}/{job.total}" if job.done else "")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(word(job), total=job.total)

        def move(job: C) -> str:
            bar.update(task, description=word(job), completed=job.done, total=job.total)
            return ""

        return await follow(job, ask, move)
