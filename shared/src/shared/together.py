"""Questions that many ask at the same time, answered by one read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import chain
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Together(Generic[K, V]):
    """Those who ask while a read is under way are answered by the next, which lingers for `linger_s` seconds.

    Nothing is remembered: a read begins after every question that it answers. There is one read at a time, and none for
    who has given up.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, linger_s: float = 0.0) -> None:
        self._read = read
        self._linger_s = linger_s
        self._asked: dict[K, list[asyncio.Future[V | None]]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, key: K) -> V | None:
        """None when the read has found nothing under this key. Raises what the read raises."""
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._asked.setdefault(key, []).append(answer)
        if self._reading is None:
            self._reading = asyncio.create_task(self._answer_all())
        return await answer

    async def _answer_all(self) -> None:
        try:
            while self._asked:
                if self._linger_s:
                    await asyncio.sleep(self._linger_s)
                asked, self._asked = self._asked, {}
                awaited = {key: answers for key, answers in asked.items() if not all(one.done() for one in answers)}
                if awaited:
                    await self._answer(awaited)
        finally:
            self._reading = None

    async def _answer(self, asked: Mapping[K, Sequence[asyncio.Future[V | None]]]) -> None:
        try:
            found = await self._read(list(asked))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told to all who wait
            for answer in chain.from_iterable(asked.values()):
                if not answer.done():
                    answer.set_exception(error)
            return
        for key, answers in asked.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(key))
